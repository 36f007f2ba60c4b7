package org.aimjvm.io;

import java.awt.Rectangle;
import java.util.Arrays;

/**
 * Resizing by convolution with the windowed sinc L(x) = sinc(x) sinc(x/3), |x| < 3. When shrinking, the kernel is
 * stretched by the ratio, so every source pixel counts and nothing aliases; at the border the weights inside are scaled
 * to sum to one. First along rows, then along columns, in float; the only rounding is at the end.
 */
final class Lanczos {
    private static final int LOBES = 3;

    /** For every target pixel the first source pixel and the weights from there on. */
    private record Weights(int[] first, float[][] weights) {}

    private Lanczos() {}

    /**
     * Resizes the whole picture.
     *
     * @param rgb (h, w) pixels 0xRRGGBB. Not modified
     * @return (height, width) pixels
     */
    static int[] resize(int[] rgb, int w, int h, int width, int height) {
        return resize(rgb, w, h, width, height, new Rectangle(width, height));
    }

    /**
     * Resizes, but makes only a part of the result; its pixels are the same as if all were made.
     *
     * @param rgb (h, w) pixels 0xRRGGBB. Not modified
     * @param part of the (height, width) pixels
     * @return (part.height, part.width) pixels
     */
    static int[] resize(int[] rgb, int w, int h, int width, int height, Rectangle part) {
        if (width < 1 || height < 1) {
            throw new IllegalArgumentException("size: " + width + " x " + height + " (expected at least 1 x 1)");
        }
        if (part.isEmpty() || !new Rectangle(width, height).contains(part)) {
            throw new IllegalArgumentException("part: " + part.width + " x " + part.height + " at (" + part.x + ", "
                    + part.y + ") (expected within " + width + " x " + height + ")");
        }
        Weights across = weights(w, width, part.x, part.width);
        Weights down = weights(h, height, part.y, part.height);
        int last = part.height - 1;
        int top = down.first[0];
        int bottom = down.first[last] + down.weights[last].length;
        int[] out = new int[Math.multiplyExact(part.width, part.height)];
        float[] rows = new float[Math.multiplyExact(part.width, bottom - top)];
        for (int shift = 0; shift <= 16; shift += 8) {
            rows(rgb, shift, w, top, bottom, across, rows);
            columns(rows, part.width, top, down, out, shift);
        }
        return out;
    }

    private static void rows(int[] rgb, int shift, int w, int top, int bottom, Weights across, float[] out) {
        int width = across.first.length;
        for (int y = top; y < bottom; y++) {
            for (int x = 0; x < width; x++) {
                int start = y * w + across.first[x];
                float[] weights = across.weights[x];
                float sum = 0;
                for (int k = 0; k < weights.length; k++) {
                    sum += weights[k] * (rgb[start + k] >> shift & 0xff);
                }
                out[(y - top) * width + x] = sum;
            }
        }
    }

    private static void columns(float[] rows, int width, int top, Weights down, int[] out, int shift) {
        float[] sums = new float[width];
        for (int y = 0; y < down.first.length; y++) {
            Arrays.fill(sums, 0.5f); // rounds
            float[] weights = down.weights[y];
            for (int k = 0; k < weights.length; k++) {
                int start = (down.first[y] - top + k) * width;
                for (int x = 0; x < width; x++) {
                    sums[x] += weights[k] * rows[start + x];
                }
            }
            for (int x = 0; x < width; x++) {
                out[y * width + x] |= Math.clamp((int) Math.floor(sums[x]), 0, 255) << shift;
            }
        }
    }

    /** Weights of {@code count} target pixels from {@code start} on, of {@code target} in all. */
    private static Weights weights(int size, int target, int start, int count) {
        double ratio = (double) size / target;
        double stretch = Math.max(1, ratio);
        double support = LOBES * stretch;
        int[] first = new int[count];
        float[][] weights = new float[count][];
        for (int i = 0; i < count; i++) {
            double center = (start + i + 0.5) * ratio;
            int from = Math.max(0, (int) (center - support + 0.5));
            int to = Math.min(size, (int) (center + support + 0.5));
            double[] w = new double[to - from];
            double sum = 0;
            for (int k = 0; k < w.length; k++) {
                w[k] = kernel((from + k + 0.5 - center) / stretch);
                sum += w[k];
            }
            first[i] = from;
            weights[i] = new float[w.length];
            for (int k = 0; k < w.length; k++) {
                weights[i][k] = (float) (w[k] / sum);
            }
        }
        return new Weights(first, weights);
    }

    private static double kernel(double x) {
        return Math.abs(x) < LOBES ? sinc(x) * sinc(x / LOBES) : 0;
    }

    private static double sinc(double x) {
        return x == 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
    }
}
