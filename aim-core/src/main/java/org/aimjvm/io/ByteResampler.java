package org.aimjvm.io;

import java.awt.Rectangle;

/**
 * Resizing as Pillow does it, to the bit, for data that must equal what Python prepared: a filter stretched when
 * shrinking, weights in fixed point with 22 bits, rows first, and each of the two passes rounded to 8 bits
 * ({@link Lanczos} rounds once). Checked with pixels of Pillow 12.3.
 */
final class ByteResampler {
    private static final int BITS = 22;

    /** What a target pixel is made of. */
    enum Filter {
        /** The mean of the source pixels that it covers. */
        BOX(0.5) {
            @Override
            double at(double x) {
                return x > -0.5 && x <= 0.5 ? 1 : 0;
            }
        },
        /** Keys' cubic convolution with a = -1/2. */
        BICUBIC(2) {
            @Override
            double at(double x) {
                double a = -0.5;
                double d = Math.abs(x);
                if (d < 1) {
                    return ((a + 2) * d - (a + 3)) * d * d + 1;
                }
                return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
            }
        };

        private final double support;

        Filter(double support) {
            this.support = support;
        }

        abstract double at(double x);
    }

    /** For every target pixel the first source pixel and the weights from there on, in units of 2^-22. */
    private record Weights(int[] first, int[][] weights) {}

    private ByteResampler() {}

    /**
     * Resizes, but makes only a part of the result; its pixels are the same as if all were made.
     *
     * @param rgb (h, w) pixels 0xRRGGBB. Not modified
     * @param width columns of the whole result, at least 1
     * @param height rows of the whole result, at least 1
     * @param part of the (height, width) pixels
     * @return (part.height, part.width) pixels
     */
    static int[] resize(Filter filter, int[] rgb, int w, int h, int width, int height, Rectangle part) {
        if (width < 1 || height < 1) {
            throw new IllegalArgumentException("size: " + width + " x " + height + " (expected at least 1 x 1)");
        }
        if (part.isEmpty() || !new Rectangle(width, height).contains(part)) {
            throw new IllegalArgumentException("part: " + part.width + " x " + part.height + " at (" + part.x + ", "
                    + part.y + ") (expected within " + width + " x " + height + ")");
        }
        Weights across = weights(filter, w, width, part.x, part.width);
        Weights down = weights(filter, h, height, part.y, part.height);
        int last = part.height - 1;
        int top = down.first[0];
        int bottom = down.first[last] + down.weights[last].length;
        int[] rows = new int[Math.multiplyExact(part.width, bottom - top)];
        for (int y = top; y < bottom; y++) {
            for (int x = 0; x < part.width; x++) {
                rows[(y - top) * part.width + x] = pixel(rgb, y * w + across.first[x], 1, across.weights[x]);
            }
        }
        int[] out = new int[Math.multiplyExact(part.width, part.height)];
        for (int y = 0; y < part.height; y++) {
            for (int x = 0; x < part.width; x++) {
                out[y * part.width + x] =
                        pixel(rows, (down.first[y] - top) * part.width + x, part.width, down.weights[y]);
            }
        }
        return out;
    }

    /** The weighted sum of the pixels from {@code start} on, {@code stride} apart, rounded to 8 bits per channel. */
    private static int pixel(int[] rgb, int start, int stride, int[] weights) {
        int half = 1 << BITS - 1;
        int red = half;
        int green = half;
        int blue = half;
        for (int k = 0; k < weights.length; k++) {
            int p = rgb[start + k * stride];
            red += weights[k] * (p >> 16 & 0xff);
            green += weights[k] * (p >> 8 & 0xff);
            blue += weights[k] * (p & 0xff);
        }
        return Math.clamp(red >> BITS, 0, 255) << 16 | Math.clamp(green >> BITS, 0, 255) << 8
                | Math.clamp(blue >> BITS, 0, 255);
    }

    /**
     * Weights of {@code count} target pixels from {@code start} on, of {@code target} in all. Pillow's order of
     * operations: with another one a pixel on the edge of a box falls on its other side.
     */
    private static Weights weights(Filter filter, int size, int target, int start, int count) {
        double ratio = (double) size / target;
        double stretch = Math.max(1, ratio);
        double support = filter.support * stretch;
        double shrink = 1 / stretch;
        int[] first = new int[count];
        int[][] weights = new int[count][];
        for (int i = 0; i < count; i++) {
            double center = (start + i + 0.5) * ratio;
            int from = Math.max(0, (int) (center - support + 0.5));
            int to = Math.min(size, (int) (center + support + 0.5));
            double[] w = new double[to - from];
            double sum = 0;
            for (int k = 0; k < w.length; k++) {
                w[k] = filter.at((k + from - center + 0.5) * shrink);
                sum += w[k];
            }
            first[i] = from;
            weights[i] = new int[w.length];
            for (int k = 0; k < w.length; k++) {
                double scaled = w[k] / sum * (1 << BITS);
                weights[i][k] = (int) (scaled < 0 ? scaled - 0.5 : scaled + 0.5);
            }
        }
        return new Weights(first, weights);
    }
}
