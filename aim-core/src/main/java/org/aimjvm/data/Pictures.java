package org.aimjvm.data;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.tensor.Tensor;

/** Batches of pictures and measures on them, as floats in [-1, 1]. */
public final class Pictures {
    /** The largest difference of two pixels, squared. */
    private static final double PEAK = 4;

    private Pictures() {}

    /**
     * Pictures as a tensor in the current scope.
     *
     * @param draws crop and flip of each, see {@link PictureSource#read}; all 0 for none
     * @return (indices.length, channels, height, width)
     */
    public static Tensor batch(Backend backend, PictureSource source, int[] indices, long[] draws) {
        return tensor(backend, source, read(source, indices, draws));
    }

    /**
     * The pixels of {@link #batch}, without a backend: what a thread can read ahead.
     *
     * @param draws crop and flip of each, see {@link PictureSource#read}; all 0 for none
     * @return (indices.length, channels, height, width)
     */
    public static float[] read(PictureSource source, int[] indices, long[] draws) {
        int size = source.pictureSize();
        float[] x = new float[Math.multiplyExact(indices.length, size)];
        for (int i = 0; i < indices.length; i++) {
            source.read(indices[i], draws[i], x, i * size);
        }
        return x;
    }

    /**
     * What {@link #read} read of {@code source}, as a tensor in the current scope: (pictures, channels, height, width).
     */
    public static Tensor tensor(Backend backend, PictureSource source, float[] pixels) {
        int count = pixels.length / source.pictureSize();
        return Tensor.of(backend, Shape.of(count, source.channels(), source.height(), source.width()), pixels);
    }

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
