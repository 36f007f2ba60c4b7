package org.aimjvm.io;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import org.aimjvm.backend.DType;

/**
 * The stored elements of one tensor: contiguous, row-major, little endian, at any alignment.
 *
 * @param path file, for messages
 * @param info type and shape
 * @param bytes exactly {@code info.bytes()} bytes
 */
record TensorBytes(Path path, TensorInfo info, MemorySegment bytes) {
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);
    static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(LITTLE_ENDIAN);

    TensorBytes {
        if (bytes.byteSize() != info.bytes()) {
            throw new CheckpointException(
                    path, info.name(), bytes.byteSize() + " bytes, expected " + info.bytes() + " for " + describe(
                            info));
        }
    }

    static String describe(TensorInfo info) {
        return info.dtype() + " " + info.shape();
    }

    float[] floats() {
        float[] out = new float[info.shape().size()];
        floats(0, out.length, out);
        return out;
    }

    /** Puts elements {@code [first, first + count)} at the start of {@code out}. */
    void floats(int first, int count, float[] out) {
        switch (info.dtype()) {
            case F32 -> MemorySegment.copy(bytes, FLOAT, 4L * first, out, 0, count);
            case F64 -> {
                for (int i = 0; i < count; i++) {
                    out[i] = (float) bytes.get(DOUBLE, 8L * (first + i));
                }
            }
            case F16 -> {
                short[] halves = halves(first, count);
                for (int i = 0; i < count; i++) {
                    out[i] = Float.float16ToFloat(halves[i]);
                }
            }
            case BF16 -> {
                short[] halves = halves(first, count);
                for (int i = 0; i < count; i++) {
                    out[i] = Float.intBitsToFloat(halves[i] << 16);
                }
            }
            case I64, I32, I16, U16, I8, U8, BOOL -> {
                for (int i = 0; i < count; i++) {
                    out[i] = integer(first + i);
                }
            }
        }
    }

    /** The elements of a tensor of I8 or U8 as they are stored. */
    byte[] octets() {
        if (info.dtype() != DType.I8 && info.dtype() != DType.U8) {
            throw new CheckpointException(path, info.name(), "type " + info.dtype() + ", expected I8 or U8");
        }
        return bytes.toArray(JAVA_BYTE);
    }

    /**
     * Elements of 16 bits at once: until it is compiled well, reading a segment takes a hundred times as long as an
     * array.
     */
    private short[] halves(int first, int count) {
        short[] halves = new short[count];
        MemorySegment.copy(bytes, SHORT, 2L * first, halves, 0, count);
        return halves;
    }

    int[] ints() {
        int[] out = new int[info.shape().size()];
        if (info.dtype() == DType.I32) {
            MemorySegment.copy(bytes, INT, 0, out, 0, out.length);
            return out;
        }
        requireInteger();
        for (int i = 0; i < out.length; i++) {
            long value = integer(i);
            if (value != (int) value) {
                throw new CheckpointException(
                        path, info.name(), "element " + i + " is " + value + ", expected a 32-bit integer");
            }
            out[i] = (int) value;
        }
        return out;
    }

    long[] longs() {
        requireInteger();
        long[] out = new long[info.shape().size()];
        for (int i = 0; i < out.length; i++) {
            out[i] = integer(i);
        }
        return out;
    }

    private void requireInteger() {
        switch (info.dtype()) {
            case F64, F32, F16, BF16 ->
                    throw new CheckpointException(path, info.name(), "type " + info.dtype()
                            + ", expected an integer type");
            case I64, I32, I16, U16, I8, U8, BOOL -> {}
        }
    }

    private long integer(int i) {
        return switch (info.dtype()) {
            case I64 -> bytes.get(LONG, 8L * i);
            case I32 -> bytes.get(INT, 4L * i);
            case I16 -> bytes.get(SHORT, 2L * i);
            case U16 -> bytes.get(SHORT, 2L * i) & 0xffff;
            case I8 -> bytes.get(JAVA_BYTE, i);
            case U8 -> bytes.get(JAVA_BYTE, i) & 0xff;
            case BOOL -> bytes.get(JAVA_BYTE, i) == 0 ? 0 : 1;
            case F64, F32, F16, BF16 -> throw new AssertionError(info.dtype());
        };
    }
}
