package org.aimjvm.backend;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.function.Supplier;

/**
 * A weight matrix (out, in), row-major, as a checkpoint or an initialiser gives it: what {@link Backend#weights} takes.
 * Made when a model is loaded and not kept.
 */
public sealed interface WeightMatrix {
    /** Rows. */
    int out();

    /** Columns, the elements of a row. */
    int in();

    /** How it is given. */
    WeightFormat format();

    /** Opens the matrix for reading by rows, so that it need not be in memory as a whole. */
    Rows rows();

    /** The values, in a new array. */
    default float[] floats() {
        float[] values = new float[Math.multiplyExact(out(), in())];
        rows().read(0, out(), values);
        return values;
    }

    /** Rows of a matrix. Safe for use by several threads. */
    @FunctionalInterface
    interface Rows {
        /** Puts rows {@code [from, to)}, row-major, at the start of {@code values}. */
        void read(int from, int to, float[] values);
    }

    /**
     * The matrix in another format, itself if it is given so already or {@link WeightFormat#fits} says that it stays
     * BF16. Rounding to BF16 is left to who packs it.
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
     * Floats that are computed when asked for, all at once.
     *
     * @param format F32, or BF16 if no value has more bits or those it has may be rounded away
     * @param values gives {@code out * in} elements
     */
    record Floats(int out, int in, WeightFormat format, Supplier<float[]> values) implements WeightMatrix {
        @Override
        public float[] floats() {
            return values.get();
        }

        @Override
        public Rows rows() {
            float[] all = floats();
            return (from, to, rows) -> System.arraycopy(all, from * in, rows, 0, (to - from) * in);
        }
    }

    /**
     * Numbers kept in another type than F32, made floats row by row.
     *
     * @param format F32, or BF16 if no value has more bits
     */
    record Stored(int out, int in, WeightFormat format, Rows rows) implements WeightMatrix {}

    /**
     * F32 numbers in native memory, little endian at any alignment, valid as long as the segment is reachable: a mapped
     * file.
     *
     * @param segment {@code 4 * out * in} bytes. Not modified
     */
    record Mapped(int out, int in, MemorySegment segment) implements WeightMatrix {
        private static final ValueLayout.OfFloat FLOAT =
                ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

        @Override
        public WeightFormat format() {
            return WeightFormat.F32;
        }

        @Override
        public Rows rows() {
            return (from, to, values) -> MemorySegment.copy(segment, FLOAT, 4L * from * in, values, 0,
                    (to - from) * in);
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
        public Rows rows() {
            return (from, to, w) -> {
                for (int j = from; j < to; j++) {
                    int at = (j - from) * in;
                    for (int k = 0; k < in; k++) {
                        w[at + k] = values[j * in + k] * scales[j];
                    }
                }
            };
        }
    }

    /**
     * {@code w[j, k] = (q[j, k] - 8) scales[j, k / 32]}. The 16 bytes of a block hold elements 0 to 15 in their low
     * halves and 16 to 31 in their high halves.
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
        public Rows rows() {
            return (from, to, w) -> {
                for (int j = from; j < to; j++) {
                    int at = (j - from) * in;
                    for (int k = 0; k < in; k++) {
                        float scale = scales[j * (in / WeightFormat.BLOCK) + k / WeightFormat.BLOCK];
                        w[at + k] = (quantized(j, k) - 8) * scale;
                    }
                }
            };
        }
    }
}
