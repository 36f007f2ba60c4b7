package org.aimjvm.nn;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.aimjvm.backend.Shape;

/** The initialisation of a parameter when a model is made from a seed. */
@FunctionalInterface
public interface Init {

    /** The starting values of a tensor of {@code shape}, a pure function of {@code random}'s state. */
    float[] values(Shape shape, SplittableRandom random);

    /** Every element {@code value}. */
    static Init constant(float value) {
        return (shape, random) -> {
            float[] w = new float[shape.size()];
            Arrays.fill(w, value);
            return w;
        };
    }

    /** Zeros. */
    static Init zeros() {
        return constant(0);
    }

    /** Ones. */
    static Init ones() {
        return constant(1);
    }

    /** Uniform in [-bound, bound). */
    static Init uniform(double bound) {
        return uniform(-bound, bound);
    }

    /** Uniform in [low, high). */
    static Init uniform(double low, double high) {
        return (shape, random) -> {
            float[] w = new float[shape.size()];
            for (int i = 0; i < w.length; i++) {
                w[i] = (float) (low + (high - low) * random.nextDouble());
            }
            return w;
        };
    }

    /** Normal with mean 0. */
    static Init normal(double standardDeviation) {
        return normal(0, standardDeviation);
    }

    /** Normal. */
    static Init normal(double mean, double standardDeviation) {
        return (shape, random) -> {
            float[] w = new float[shape.size()];
            for (int i = 0; i < w.length; i++) {
                w[i] = (float) (mean + standardDeviation * gaussian(random));
            }
            return w;
        };
    }

    /** Uniform in +-1 / sqrt(fanIn), the default of linear and convolution weights. */
    static Init fanIn(int fanIn) {
        return uniform(1 / Math.sqrt(fanIn));
    }

    /** {@code log U(low, high)}: Mamba-2's {@code A_log}. */
    static Init logUniformValues(double low, double high) {
        return (shape, random) -> {
            float[] w = new float[shape.size()];
            for (int i = 0; i < w.length; i++) {
                w[i] = (float) Math.log(low + (high - low) * random.nextDouble());
            }
            return w;
        };
    }

    /** {@code log(n + 1)} along the last dimension: Mamba-1's {@code A_log} (S4D-real). */
    static Init logArange() {
        return (shape, random) -> {
            float[] w = new float[shape.size()];
            for (int i = 0; i < w.length; i++) {
                w[i] = (float) Math.log(i % shape.dim(-1) + 1);
            }
            return w;
        };
    }

    /**
     * Inverse softplus of a log-uniform step in [dtMin, dtMax], at least {@code floor}: {@code v + log(-expm1(-v))}, so
     * that softplus gives v back (Mamba's {@code dt_bias}).
     */
    static Init inverseSoftplusStep(double dtMin, double dtMax, double floor) {
        return (shape, random) -> {
            float[] w = new float[shape.size()];
            for (int i = 0; i < w.length; i++) {
                double v = Math.exp(Math.log(dtMin) + (Math.log(dtMax) - Math.log(dtMin)) * random.nextDouble());
                v = Math.max(v, floor);
                w[i] = (float) (v + Math.log(-Math.expm1(-v)));
            }
            return w;
        };
    }

    /** {@code init} divided by {@code divisor}: residual projections shrink with depth. */
    static Init scaled(Init init, double divisor) {
        return (shape, random) -> {
            float[] w = init.values(shape, random);
            for (int i = 0; i < w.length; i++) {
                w[i] = (float) (w[i] / divisor);
            }
            return w;
        };
    }

    /** Rows of {@code init} divided by their Euclidean norm: the start of an l2-normalised codebook. */
    static Init unitRows(Init init) {
        return (shape, random) -> {
            float[] w = init.values(shape, random);
            int cols = shape.dim(-1);
            for (int r = 0; r < shape.rows(); r++) {
                double norm = 0;
                for (int c = 0; c < cols; c++) {
                    norm += (double) w[r * cols + c] * w[r * cols + c];
                }
                double scale = 1 / Math.max(Math.sqrt(norm), 1e-12);
                for (int c = 0; c < cols; c++) {
                    w[r * cols + c] = (float) (w[r * cols + c] * scale);
                }
            }
            return w;
        };
    }

    /** A standard normal by the polar method; {@link SplittableRandom#nextGaussian} may differ between JDKs. */
    private static double gaussian(SplittableRandom random) {
        while (true) {
            double u = 2 * random.nextDouble() - 1;
            double v = 2 * random.nextDouble() - 1;
            double s = u * u + v * v;
            if (s > 0 && s < 1) {
                return u * Math.sqrt(-2 * Math.log(s) / s);
            }
        }
    }
}
