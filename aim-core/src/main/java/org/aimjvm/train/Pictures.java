package org.aimjvm.train;

/** Measures on pictures as floats in [-1, 1]. */
public final class Pictures {
    /** The largest difference of two pixels, squared. */
    private static final double PEAK = 4;

    private Pictures() {}

    /**
     * Peak signal-to-noise ratio {@code 10 log10(4 / mean((x - clamp(y))^2))} in dB; infinite for equal pictures.
     *
     * @param x original
     * @param y reconstruction, clamped to [-1, 1] for the measure. Not modified
     * @param offset of both pictures in their arrays
     * @param size floats of a picture
     */
    public static double psnr(float[] x, float[] y, int offset, int size) {
        double sum = 0;
        for (int i = offset; i < offset + size; i++) {
            double d = x[i] - Math.clamp(y[i], -1f, 1f);
            sum += d * d;
        }
        return 10 * Math.log10(PEAK * size / sum);
    }
}
