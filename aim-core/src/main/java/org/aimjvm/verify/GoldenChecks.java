package org.aimjvm.verify;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.Npy;
import org.aimjvm.io.TensorSource;
import org.aimjvm.tensor.Tensor;

/** Comparisons made for one case: counts them and keeps the worst, failures and what was skipped. */
final class GoldenChecks {
    private static final int SHOWN_FAILURES = 4;

    private final GoldenCase c;
    private final List<CaseResult.Skip> skipped = new ArrayList<>();
    private final List<String> failures = new ArrayList<>();
    private final Set<String> settled = new HashSet<>();
    private String otherwise = "this library has nothing to compare it with";
    private int checks;
    private double worst;
    private String worstCheck = "";

    GoldenChecks(GoldenCase c) {
        this.c = c;
    }

    /** Marks arrays or files as used to compute others, so that they do not count as skipped. */
    void input(String... names) {
        settled.addAll(List.of(names));
    }

    /** Records that {@code what} is not compared. */
    void skip(String what, String reason) {
        skipped.add(new CaseResult.Skip(what, reason));
        settled.add(what);
    }

    /** The reason for everything that is neither compared nor skipped with a reason of its own. */
    void otherwise(String reason) {
        otherwise = reason;
    }

    /** Records that the case lacks what cases of its kind have, and what could be compared if it were there. */
    void absent(String what) {
        skip(what, "the case has no such array");
    }

    /** Whether the case has all inputs; if not, everything counts as skipped for that reason. */
    boolean requires(String... arrays) {
        for (String array : arrays) {
            if (!c.has(array)) {
                otherwise = "needs the array " + array + ", which the case lacks";
                return false;
            }
        }
        return true;
    }

    /** Compares {@code got} with an array within its tolerance; an array that the case lacks is skipped. */
    void array(String name, Tensor got) {
        array(name, name, got);
    }

    /** As {@link #array(String, Tensor)} for the same values computed another way, {@code label} says which. */
    void array(String name, String label, Tensor got) {
        if (got.dtype() == DType.I32) {
            ints(name, label, got.shape(), got.toInts());
        } else {
            floats(name, label, got.shape(), got.toFloats());
        }
    }

    /** As {@link #array(String, String, Tensor)}. */
    void floats(String name, String label, Shape shape, float[] got) {
        if (!c.has(name)) {
            absent(label);
            return;
        }
        settled.add(name);
        GoldenCase.ArrayInfo info = c.info(name);
        if (info.tolerance().equals("exact")) {
            exact(label, shape, got, c.npy(name));
            return;
        }
        if (Double.isNaN(info.atol()) || Double.isNaN(info.rtol())) {
            skip(label, "no atol and rtol in " + GoldenCase.README);
            return;
        }
        if (sameShape(label, shape, info.shape())) {
            compare(label, got, c.floats(name), info.shape(), info.atol(), info.rtol());
        }
    }

    /** Compares integers with an array: equal, or within the tolerance that it states in words. */
    void ints(String name, String label, Shape shape, int[] got) {
        if (!c.has(name)) {
            absent(label);
            return;
        }
        settled.add(name);
        GoldenCase.ArrayInfo info = c.info(name);
        double within = GoldenCase.find(info.tolerance(), "within (\\d+)", 0);
        if (!sameShape(label, shape, info.shape())) {
            return;
        }
        int[] expected = c.ints(name);
        double ratio = 0;
        String problem = null;
        for (int i = 0; i < got.length; i++) {
            double error = Math.abs((double) got[i] - expected[i]);
            double r = error == 0 ? 0 : error / within; // infinite where exactness is asked for
            ratio = Math.max(ratio, r);
            if (r > 1 && problem == null) {
                problem = at(i, info.shape()) + ": got " + got[i] + ", expected " + expected[i];
            }
        }
        settle(label, ratio, problem);
    }

    /** Compares with an array bit for bit; NaN equals NaN. */
    void exact(String label, Shape shape, float[] got, Npy expected) {
        exact(label, shape, got, expected.shape(), expected.floats());
    }

    /** As {@link #exact(String, Shape, float[], Npy)}. */
    void exact(String label, Shape shape, float[] got, Shape expectedShape, float[] expected) {
        if (!sameShape(label, shape, expectedShape)) {
            return;
        }
        for (int i = 0; i < expected.length; i++) {
            if (Float.floatToIntBits(got[i]) != Float.floatToIntBits(expected[i])) {
                settle(
                        label, Double.POSITIVE_INFINITY,
                        at(i, shape) + ": got " + got[i] + ", expected exactly " + expected[i]);
                return;
            }
        }
        settle(label, 0, null);
    }

    /**
     * Compares the tensors of a file: {@code |a - b| <= tol max|b| + small} in each.
     *
     * @param got values by the file's names; a name that the file lacks counts as skipped, one that it has alone fails
     */
    void tensors(String file, TensorSource expected, Map<String, Tensor> got, double tol, double small) {
        settled.add(file);
        for (String name : expected.names()) {
            String label = file + " " + name;
            Tensor t = got.get(name);
            if (t == null) {
                settle(label, Double.POSITIVE_INFINITY, "the model has no such parameter");
            } else if (sameShape(label, t.shape(), expected.info(name).shape())) {
                float[] b = expected.readFloats(name);
                compare(label, t.toFloats(), b, t.shape(), tol * maxAbs(b) + small, 0);
            }
        }
        for (String name : got.keySet()) {
            if (!expected.contains(name)) {
                skip(file + " " + name, "the file has no such tensor");
            }
        }
    }

    static float maxAbs(float[] values) {
        float max = 0;
        for (float v : values) {
            max = Math.max(max, Math.abs(v));
        }
        return max;
    }

    private void compare(String label, float[] got, float[] expected, Shape shape, double atol, double rtol) {
        double ratio = 0;
        String problem = null;
        for (int i = 0; i < expected.length; i++) {
            double r = ratio(got[i], expected[i], atol + rtol * Math.abs((double) expected[i]));
            ratio = Math.max(ratio, r);
            if (r > 1 && problem == null) {
                problem = String.format(
                        Locale.ROOT, "%s: got %.9g, expected %.9g, tolerance %.3g", at(i, shape), got[i], expected[i],
                        atol + rtol * Math.abs((double) expected[i]));
            }
        }
        settle(label, ratio, problem);
    }

    private static double ratio(float got, float expected, double tolerance) {
        if (got == expected) {
            return 0;
        }
        double r = Math.abs((double) got - expected) / tolerance;
        return Double.isNaN(r) ? Double.POSITIVE_INFINITY : r; // NaN, or infinity against infinity of the other sign
    }

    private boolean sameShape(String label, Shape got, Shape expected) {
        if (got.equals(expected) || (got.size() == 1 && expected.size() == 1)) {
            return true;
        }
        settle(label, Double.POSITIVE_INFINITY, "shape " + got + ", expected " + expected);
        return false;
    }

    /** Records one comparison: the greatest error in units of the tolerance, and what is wrong if that is above 1. */
    void settle(String label, double ratio, String problem) {
        checks++;
        if (worstCheck.isEmpty() || ratio > worst) {
            worst = ratio;
            worstCheck = label;
        }
        if (problem != null) {
            failures.add(label + " " + problem);
        }
    }

    private static String at(int index, Shape shape) {
        StringBuilder sb = new StringBuilder();
        int rest = index;
        for (int i = shape.rank() - 1; i >= 0; i--) {
            sb.insert(0, (i == 0 ? "" : ", ") + rest % shape.dim(i));
            rest /= shape.dim(i);
        }
        return "[" + sb + "]";
    }

    /** The verdict; every array that was not mentioned counts as skipped. */
    CaseResult result(String name) {
        for (String array : c.arrays().keySet()) {
            if (!settled.contains(array)) {
                skip(array, otherwise);
            }
        }
        for (String file : c.files().keySet()) {
            if (!settled.contains(file)) {
                skip(file, otherwise);
            }
        }
        if (!failures.isEmpty()) {
            return new CaseResult(name, CaseResult.Status.FAIL, checks, skipped, worst, worstCheck, shown());
        }
        CaseResult.Status status = checks == 0 ? CaseResult.Status.SKIPPED : CaseResult.Status.PASS;
        return new CaseResult(name, status, checks, skipped, worst, worstCheck, checks == 0 ? otherwise : "");
    }

    /** The verdict on a case that could not be checked to its end. */
    CaseResult broken(String name, String reason) {
        failures.addFirst(reason);
        return new CaseResult(name, CaseResult.Status.FAIL, checks, skipped, Double.POSITIVE_INFINITY, worstCheck,
                shown());
    }

    private String shown() {
        int more = failures.size() - SHOWN_FAILURES;
        return String.join("; ", failures.subList(0, Math.min(SHOWN_FAILURES, failures.size())))
                + (more > 0 ? "; and " + more + " more" : "");
    }
}
