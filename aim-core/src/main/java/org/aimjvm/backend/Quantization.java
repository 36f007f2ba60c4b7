package org.aimjvm.backend;

import java.util.stream.IntStream;

/** Weight matrices in few bits, rounded to nearest; see {@link WeightFormat}. */
public final class Quantization {
    /**
     * Shares of the widest scale that are tried for a block of 4-bit integers; the one of least square error is taken.
     */
    private static final float[] TRIED = {1f, 0.95f, 0.9f, 0.85f, 0.8f, 1.08f};

    private static final int BLOCK = WeightFormat.BLOCK;

    private Quantization() {}

    /**
     * A matrix in {@link WeightFormat#INT8}. A row of zeros gets scale 0.
     *
     * @param w (out, in). Not modified
     * @throws IllegalArgumentException if a value is not finite
     */
    public static WeightMatrix.Int8 int8(float[] w, int out, int in) {
        byte[] values = new byte[w.length];
        float[] scales = new float[out];
        IntStream.range(0, out).parallel().forEach(j -> {
            scales[j] = int8Row(w, j * in, in, values, j * in);
        });
        return new WeightMatrix.Int8(out, in, values, scales);
    }

    /**
     * One row in {@link WeightFormat#INT8}.
     *
     * @param w the row is at {@code [at, at + in)}. Not modified
     * @param values output from {@code to} on
     * @return the scale
     * @throws IllegalArgumentException if a value is not finite
     */
    public static float int8Row(float[] w, int at, int in, byte[] values, int to) {
        float scale = Math.abs(greatest(w, at, in)) / 127;
        float inverse = scale == 0 ? 0 : 1 / scale;
        for (int k = 0; k < in; k++) {
            values[to + k] = (byte) Math.clamp(Math.round(w[at + k] * inverse), -127, 127);
        }
        return scale;
    }

    /**
     * A matrix in {@link WeightFormat#INT4}. The value furthest from 0 of a block is given to q = 0, so that the side
     * of it has one step more; of a few scales the one with the least square error is taken.
     *
     * @param w (out, in). Not modified
     * @param in a multiple of 32
     * @throws IllegalArgumentException if a value is not finite
     */
    public static WeightMatrix.Int4 int4(float[] w, int out, int in) {
        int blocks = in / BLOCK;
        byte[] values = new byte[w.length / 2];
        float[] scales = new float[out * blocks];
        IntStream.range(0, out)
                .parallel()
                .forEach(j -> int4Row(w, j * in, in, values, j * in / 2, scales, j * blocks));
        return new WeightMatrix.Int4(out, in, values, scales);
    }

    /**
     * One row in {@link WeightFormat#INT4}, laid out as in {@link WeightMatrix.Int4}.
     *
     * @param w the row is at {@code [at, at + in)}. Not modified
     * @param values output, {@code in / 2} bytes from {@code to} on
     * @param scales output, {@code in / 32} from {@code scaleTo} on
     * @throws IllegalArgumentException if a value is not finite
     */
    public static void int4Row(float[] w, int at, int in, byte[] values, int to, float[] scales, int scaleTo) {
        for (int b = 0; b < in / BLOCK; b++) {
            int from = at + b * BLOCK;
            float scale = int4Scale(w, from);
            scales[scaleTo + b] = scale;
            float inverse = scale == 0 ? 0 : 1 / scale;
            for (int i = 0; i < BLOCK / 2; i++) {
                int low = int4(w[from + i], inverse);
                int high = int4(w[from + i + BLOCK / 2], inverse);
                values[to + b * (BLOCK / 2) + i] = (byte) (low | high << 4);
            }
        }
    }

    private static int int4(float w, float inverse) {
        return Math.clamp(Math.round(w * inverse) + 8, 0, 15);
    }

    private static float int4Scale(float[] w, int at) {
        float widest = greatest(w, at, BLOCK) / -8;
        float best = 0;
        float least = Float.POSITIVE_INFINITY;
        for (float share : TRIED) {
            float scale = toBf16(widest * share);
            float inverse = scale == 0 ? 0 : 1 / scale;
            float error = 0;
            for (int k = at; k < at + BLOCK; k++) {
                float d = (int4(w[k], inverse) - 8) * scale - w[k];
                error += d * d;
            }
            if (error < least) {
                least = error;
                best = scale;
            }
        }
        return best;
    }

    /** The value furthest from 0, with its sign. */
    private static float greatest(float[] w, int at, int n) {
        float greatest = 0;
        for (int k = at; k < at + n; k++) {
            if (!Float.isFinite(w[k])) {
                throw new IllegalArgumentException(
                        "weights: " + w[k] + " (expected finite numbers to make integers of)");
            }
            if (Math.abs(w[k]) > Math.abs(greatest)) {
                greatest = w[k];
            }
        }
        return greatest;
    }

    /** The nearest BF16 number, to even on a tie; NaN stays NaN. */
    public static float toBf16(float x) {
        return Float.intBitsToFloat(bf16Bits(x) << 16);
    }

    /** The 16 bits of the nearest BF16 number, to even on a tie; NaN stays NaN. */
    public static int bf16Bits(float x) {
        int bits = Float.floatToRawIntBits(x);
        if (Float.isNaN(x)) {
            return bits >>> 16 | 0x40;
        }
        return bits + 0x7fff + (bits >>> 16 & 1) >>> 16;
    }
}
