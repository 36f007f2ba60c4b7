package org.aimjvm.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.function.Supplier;

/**
 * A weight matrix (out, in), row-major, as a checkpoint or an initialiser gives it: what {@link Backend#weights} takes. Made
 * when a model is loaded and not kept.
 */
public sealed interface WeightMatrix {
    /** Rows. */
    int out();

    /** Columns, the elements of a row. */
    int in();

    /** How it is given. */
    WeightFormat format();

    /** The values, in a new array. */
    float[] floats();

    /**
     * The matrix in another format, itself if it is given so already or {@link WeightFormat#fits} says that it stays BF16.
     * Rounding to BF16 is left to who packs it.
     */
    default WeightMatrix to(WeightFormat target) {
        if (target == format()) {
            return this;
        }
        return switch (target) {
            case F32 -> new Floats(out(), in(), WeightFormat.F32, this::floats);
            case INT8 -> Quantization.int8(floats(), out(), in());
            case INT4 -> target.fits(in()) ? Quantization.int4(floats(), out(), in()) : to(WeightFormat.BF16);
            case BF16 -> new Floats(out(), in(), WeightFormat.BF16, this::floats);
        };
    }

    /**
     * Floats that are computed or read when asked for.
     *
     * @param format F32, or BF16 if no value has more bits or those it has may be rounded away
     * @param values gives {@code out * in} elements
     */
    record Floats(int out, int in, WeightFormat format, Supplier<float[]> values) implements WeightMatrix {
        @Override
        public float[] floats() {
            return values.get();
        }
    }

    /**
     * F32 numbers in native memory, little endian at any alignment, valid as long as the segment is reachable: a mapped file.
     *
     * @param rows {@code 4 * out * in} bytes. Not modified
     */
    record Mapped(int out, int in, MemorySegment rows) implements WeightMatrix {
        private static final ValueLayout.OfFloat FLOAT =
                ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

        @Override
        public WeightFormat format() {
            return WeightFormat.F32;
        }

        @Override
        public float[] floats() {
            float[] values = new float[out * in];
            MemorySegment.copy(rows, FLOAT, 0, values, 0, values.length);
            return values;
        }
    }

    /**
     * {@code w[j, k] = values[j in + k] scales[j]}.
     *
     * @param values (out, in), -127 to 127
     * @param scales (out)
     */
    record Int8(int out, int in, byte[] values, float[] scales) implements WeightMatrix {
        @Override
        public WeightFormat format() {
            return WeightFormat.INT8;
        }

        @Override
        public float[] floats() {
            float[] w = new float[out * in];
            for (int j = 0; j < out; j++) {
                for (int k = j * in; k < (j + 1) * in; k++) {
                    w[k] = values[k] * scales[j];
                }
            }
            return w;
        }
    }

    /**
     * {@code w[j, k] = (q[j, k] - 8) scales[j, k / 32]}. The 16 bytes of a block hold elements 0 to 15 in their low halves and
     * 16 to 31 in their high halves.
     *
     * @param values (out, in / 2)
     * @param scales (out, in / 32), each a BF16 number
     */
    record Int4(int out, int in, byte[] values, float[] scales) implements WeightMatrix {
        @Override
        public WeightFormat format() {
            return WeightFormat.INT4;
        }

        /** The integer of an element, 0 to 15. */
        public int quantized(int row, int k) {
            int block = k / WeightFormat.BLOCK;
            int i = k % WeightFormat.BLOCK;
            int pair = values[row * (in / 2) + block * 16 + i % 16];
            return (i < 16 ? pair : pair >> 4) & 15;
        }

        @Override
        public float[] floats() {
            float[] w = new float[out * in];
            for (int j = 0; j < out; j++) {
                for (int k = 0; k < in; k++) {
                    float scale = scales[j * (in / WeightFormat.BLOCK) + k / WeightFormat.BLOCK];
                    w[j * in + k] = (quantized(j, k) - 8) * scale;
                }
            }
            return w;
        }
    }
}
