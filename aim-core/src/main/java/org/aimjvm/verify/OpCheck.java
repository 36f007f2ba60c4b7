package org.aimjvm.verify;

import java.util.Locale;
import java.util.SplittableRandom;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.DType;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.tensor.Gradients;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/** Runs an {@link OpCase}: against another backend, and its gradient against finite differences. */
public final class OpCheck {
    private static final long SEED = 20240812;
    /** Gradients collect rounding from forward, backward and the reference: twenty times the forward limit. */
    private static final double GRADIENT_FACTOR = 20;

    private OpCheck() {}

    /**
     * Outputs and gradients of {@code backend} must agree with those of {@code reference} within the case's tolerance.
     *
     * @return {@code null} if they do, else what differs, with got and expected
     */
    public static String againstReference(OpCase c, Backend backend, Backend reference) {
        Result got = run(c, backend);
        Result expected = run(c, reference);
        for (int i = 0; i < expected.outputs.length; i++) {
            String problem = compare(c + ": output " + i, got.outputs[i], expected.outputs[i], c.tolerance());
            if (problem != null) {
                return problem;
            }
        }
        for (int i = 0; i < expected.gradients.length; i++) {
            if (expected.gradients[i] != null) {
                String problem = compare(
                        c + ": gradient of input " + i,
                        got.gradients[i],
                        expected.gradients[i],
                        GRADIENT_FACTOR * c.tolerance());
                if (problem != null) {
                    return problem;
                }
            }
        }
        return null;
    }

    /**
     * Gradients must agree with finite differences of the loss {@code sum of w y} with fixed random w: along one random
     * direction per input and along its first few coordinates, by the 4-point formula.
     *
     * @return {@code null} if they do, else what differs
     */
    public static String gradients(OpCase c, Backend backend) {
        Result result = run(c, backend);
        Tensor[] inputs = c.makeInputs(backend, SEED);
        for (int i = 0; i < inputs.length; i++) {
            if (result.gradients[i] == null) {
                continue;
            }
            double norm = 0;
            for (double g : result.gradients[i]) {
                norm += g * g;
            }
            double typical = Math.sqrt(norm / Math.max(1, result.gradients[i].length));
            SplittableRandom random = new SplittableRandom(SEED + i);
            int n = inputs[i].size();
            int probes = Math.min(n, 6) + 1;
            for (int p = 0; p < probes; p++) {
                double[] direction = new double[n];
                if (p == 0) {
                    for (int j = 0; j < n; j++) {
                        direction[j] = random.nextBoolean() ? 1 : -1;
                    }
                } else {
                    direction[n <= 6 ? p - 1 : random.nextInt(n)] = 1;
                }
                double analytic = 0;
                double length = 0;
                for (int j = 0; j < n; j++) {
                    analytic += direction[j] * result.gradients[i][j];
                    length += direction[j] * direction[j];
                }
                length = Math.sqrt(length);
                double best = Double.POSITIVE_INFINITY;
                double numeric = 0;
                // F32 forward: too small a step drowns in rounding, too large a one in curvature; one must fit
                for (double step : new double[] {3e-2, 1e-2, 3e-3}) {
                    double h = step / Math.max(1, length / 4);
                    double estimate = (8 * (loss(c, inputs, i, direction, h) - loss(c, inputs, i, direction, -h))
                            - (loss(c, inputs, i, direction, 2 * h) - loss(c, inputs, i, direction, -2 * h)))
                            / (12 * h);
                    if (Math.abs(estimate - analytic) < best) {
                        best = Math.abs(estimate - analytic);
                        numeric = estimate;
                    }
                }
                if (!(best <= 5e-3 * (Math.abs(analytic) + typical * length) + 1e-4)) {
                    return String.format(
                            Locale.ROOT, "%s: gradient of input %d, probe %d: %.6g, finite differences %.6g", c, i, p,
                            analytic,
                            numeric);
                }
            }
        }
        return null;
    }

    private record Result(double[][] outputs, double[][] gradients) {}

    private static Result run(OpCase c, Backend backend) {
        Tensor[] inputs = c.makeInputs(backend, SEED);
        try (Scope _ = Scope.training()) {
            Tensor[] outputs = c.op().apply(inputs);
            double[][] values = new double[outputs.length][];
            Tensor loss = null;
            for (int i = 0; i < outputs.length; i++) {
                values[i] = toDoubles(outputs[i]);
                if (outputs[i].needsGrad()) {
                    Tensor weight = Tensor.of(backend, outputs[i].shape(), lossWeights(outputs[i].size(), i));
                    Tensor term = ReduceOp.sum(ArithmeticOp.mul(outputs[i], weight));
                    loss = loss == null ? term : ArithmeticOp.add(loss, term);
                }
            }
            double[][] gradients = new double[inputs.length][];
            if (loss != null) {
                Gradients g = loss.backward();
                for (int i = 0; i < inputs.length; i++) {
                    if (inputs[i].isParameter() && g.contains(inputs[i])) {
                        gradients[i] = toDoubles(g.of(inputs[i]));
                    } else if (inputs[i].isParameter()) {
                        throw new IllegalStateException(c + ": input " + i + " is differentiable but got no gradient");
                    }
                }
            }
            return new Result(values, gradients);
        }
    }

    private static double loss(OpCase c, Tensor[] inputs, int which, double[] direction, double h) {
        Tensor[] moved = inputs.clone();
        float[] values = inputs[which].toFloats();
        for (int j = 0; j < values.length; j++) {
            values[j] += (float) (h * direction[j]);
        }
        try (Scope _ = Scope.inference()) {
            moved[which] = Tensor.of(inputs[which].backend(), inputs[which].shape(), values);
            Tensor[] outputs = c.op().apply(moved);
            double sum = 0;
            for (int i = 0; i < outputs.length; i++) {
                if (outputs[i].dtype() == DType.F32) {
                    float[] w = lossWeights(outputs[i].size(), i);
                    float[] y = outputs[i].toFloats();
                    for (int j = 0; j < y.length; j++) {
                        sum += (double) w[j] * y[j];
                    }
                }
            }
            return sum;
        }
    }

    private static float[] lossWeights(int n, int output) {
        SplittableRandom random = new SplittableRandom(SEED * 31 + output);
        float[] w = new float[n];
        for (int i = 0; i < n; i++) {
            w[i] = (float) random.nextDouble(-1, 1);
        }
        return w;
    }

    private static double[] toDoubles(Tensor t) {
        double[] values = new double[t.size()];
        if (t.dtype() == DType.I32) {
            int[] ints = t.toInts();
            for (int i = 0; i < values.length; i++) {
                values[i] = ints[i];
            }
        } else {
            float[] floats = t.toFloats();
            for (int i = 0; i < values.length; i++) {
                values[i] = floats[i];
            }
        }
        return values;
    }

    private static String compare(String what, double[] got, double[] expected, double tolerance) {
        double error = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            if (Double.isNaN(got[i]) || Double.isNaN(expected[i])) {
                return what + ": NaN at " + i + " (an element was not written, or the case is out of range)";
            }
            error += (got[i] - expected[i]) * (got[i] - expected[i]);
            norm += expected[i] * expected[i];
        }
        double relative = error == 0 ? 0 : Math.sqrt(error / Math.max(norm, 1e-30));
        return relative <= tolerance
                ? null
                : String.format(Locale.ROOT, "%s: normalised error %.3g, expected at most %.3g", what, relative,
                        tolerance);
    }
}
