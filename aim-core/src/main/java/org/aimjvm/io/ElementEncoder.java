package org.aimjvm.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Quantization;
import org.aimjvm.backend.Shape;

/** Writes the elements of one tensor, little endian, in the type asked for. */
@FunctionalInterface
interface ElementEncoder {
    /**
     * @param buffer little endian, empty before and after; its content is overwritten
     */
    void write(WritableByteChannel out, ByteBuffer buffer) throws IOException;

    /** Elements given as floats, for a floating-point {@code dtype}. */
    static ElementEncoder floats(String name, DType dtype, Shape shape, Supplier<float[]> values) {
        FloatPut put =
                switch (dtype) {
                    case F64 -> (b, x) -> b.putDouble(x);
                    case F32 -> (b, x) -> b.putFloat(x);
                    case F16 -> (b, x) -> b.putShort(Float.floatToFloat16(x));
                    case BF16 -> (b, x) -> b.putShort((short) Quantization.bf16Bits(x));
                    case I64, I32, I16, U16, I8, U8, BOOL ->
                            throw new IllegalArgumentException(
                                    name + ": type " + dtype + " (expected a floating-point type)");
                };
        return (out, buffer) -> {
            float[] x = values.get();
            requireLength(name, shape, x.length);
            writeAll(out, buffer, x.length, i -> put.put(buffer, x[i]));
        };
    }

    /** Elements given as ints, for an integer {@code dtype}; each is checked against its range. */
    static ElementEncoder ints(String name, DType dtype, Shape shape, Supplier<int[]> values) {
        IntPut put =
                switch (dtype) {
                    case I64 -> (b, x) -> b.putLong(x);
                    case I32 -> (b, x) -> b.putInt(x);
                    case I16 -> (b, x) -> b.putShort((short) require(name, x, Short.MIN_VALUE, Short.MAX_VALUE));
                    case U16 -> (b, x) -> b.putShort((short) require(name, x, 0, 65535));
                    case I8 -> (b, x) -> b.put((byte) require(name, x, Byte.MIN_VALUE, Byte.MAX_VALUE));
                    case U8 -> (b, x) -> b.put((byte) require(name, x, 0, 255));
                    case BOOL -> (b, x) -> b.put((byte) require(name, x, 0, 1));
                    case F64, F32, F16, BF16 ->
                            throw new IllegalArgumentException(name + ": type " + dtype
                                    + " (expected an integer type)");
                };
        return (out, buffer) -> {
            int[] x = values.get();
            requireLength(name, shape, x.length);
            writeAll(out, buffer, x.length, i -> put.put(buffer, x[i]));
        };
    }

    /** Elements of an I64 tensor. */
    static ElementEncoder longs(String name, Shape shape, Supplier<long[]> values) {
        return (out, buffer) -> {
            long[] x = values.get();
            requireLength(name, shape, x.length);
            writeAll(out, buffer, x.length, i -> buffer.putLong(x[i]));
        };
    }

    private static void writeAll(WritableByteChannel out, ByteBuffer buffer, int n, IntConsumer put)
            throws IOException {
        int chunk = buffer.capacity() / Long.BYTES; // the widest element
        for (long start = 0; start < n; start += chunk) {
            int end = (int) Math.min(n, start + chunk);
            for (int i = (int) start; i < end; i++) {
                put.accept(i);
            }
            drain(out, buffer);
        }
    }

    /** Writes what is in {@code buffer} and empties it. */
    static void drain(WritableByteChannel out, ByteBuffer buffer) throws IOException {
        buffer.flip();
        while (buffer.hasRemaining()) {
            out.write(buffer);
        }
        buffer.clear();
    }

    private static void requireLength(String name, Shape shape, int length) {
        if (length != shape.size()) {
            throw new IllegalArgumentException(
                    name + ": " + length + " values (expected " + shape.size() + " for shape " + shape + ")");
        }
    }

    private static int require(String name, int x, int min, int max) {
        if (x < min || x > max) {
            throw new IllegalArgumentException(name + ": value " + x + " (expected " + min + " to " + max + ")");
        }
        return x;
    }

    /** Appends one float. */
    interface FloatPut {
        void put(ByteBuffer buffer, float x);
    }

    /** Appends one int. */
    interface IntPut {
        void put(ByteBuffer buffer, int x);
    }
}
