package org.aimjvm.verify;

import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.aimjvm.io.TensorSource;
import org.aimjvm.tensor.Gradients;
import org.aimjvm.tensor.Tensor;

/** Files of parameter gradients: {@code |a - b| <= tol max|b| + small} in every tensor. */
final class GradientFiles {
    private static final Pattern TOLERANCE =
            Pattern.compile("<= *([0-9.]+(?:e-?\\d+)?) *\\* *max\\|b\\|(?: *\\+ *([0-9.]+(?:e-?\\d+)?))?");
    /** Where the description states no tolerance. */
    private static final double DEFAULT_TOLERANCE = 2e-4;
    /**
     * Where the description states no tolerance, in units of the greatest element of the whole file: gradients
     * that are zero
     * in theory (a bias before a normalisation, of attention keys) are rounding noise of that size.
     */
    private static final double DEFAULT_SMALL = 1e-6;

    private GradientFiles() {}

    /** Compares the gradients of all parameters with {@code file}; skips it if the case has none. */
    static void check(
            GoldenCase c, GoldenChecks checks, String file, Map<String, Tensor> parameters, Gradients gradients) {
        if (!c.hasFile(file)) {
            checks.skip(file, "the case has no such file");
            return;
        }
        Map<String, Tensor> got = new TreeMap<>();
        parameters.forEach((name, p) -> got.put(name, Differentiated.gradientOrZeros(gradients, p)));
        String stated = c.files().get(file).tolerance();
        try (TensorSource expected = c.open(file)) {
            if (stated.isEmpty()) {
                double max = 0;
                for (String name : expected.names()) {
                    max = Math.max(max, GoldenChecks.maxAbs(expected.readFloats(name)));
                }
                checks.tensors(file, expected, got, DEFAULT_TOLERANCE, DEFAULT_SMALL * max);
                return;
            }
            Matcher m = TOLERANCE.matcher(stated);
            if (!m.find()) {
                checks.skip(file, "tolerance not understood: " + stated);
                return;
            }
            double small = m.group(2) == null ? 0 : Double.parseDouble(m.group(2));
            checks.tensors(file, expected, got, Double.parseDouble(m.group(1)), small);
        }
    }
}
