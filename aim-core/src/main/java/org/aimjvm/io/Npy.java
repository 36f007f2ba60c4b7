package org.aimjvm.io;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;

/**
 * A NumPy array ({@code .npy}): C order, little endian; float16/32/64, int8/16/32/64, uint8/16 or bool.
 *
 * <p>Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
public final class Npy {
    private final TensorBytes elements;

    private Npy(TensorBytes elements) {
        this.elements = elements;
    }

    /**
     * Reads a whole file of less than 2 GB.
     *
     * @throws CheckpointException if it is missing, damaged, or holds another kind of array
     */
    public static Npy read(Path path) {
        try {
            long size = Files.size(path);
            if (size > Integer.MAX_VALUE - 8) {
                throw new CheckpointException(path, null, size + " bytes, expected less than 2^31 - 8");
            }
            return parse(path, null, MemorySegment.ofArray(Files.readAllBytes(path)));
        } catch (NoSuchFileException e) {
            throw new CheckpointException(path, null, "no such file", e);
        } catch (IOException e) {
            throw new CheckpointException(path, null, "cannot be read: " + e.getMessage(), e);
        }
    }

    /** An array in memory; {@code array} is its name within {@code path}, or null. */
    static Npy parse(Path path, String array, MemorySegment file) {
        ByteBuffer in = file.asSlice(0, Math.min(file.byteSize(), 1 << 20)).asByteBuffer();
        NpyHeader header = NpyHeader.parse(path, array, in);
        String name = array == null ? "array" : array;
        TensorInfo info = new TensorInfo(name, header.dtype(), FileShapes.of(path, name, header.dims()));
        return new Npy(new TensorBytes(path, info, file.asSlice(in.position())));
    }

    /** Stored element type. */
    public DType dtype() {
        return elements.info().dtype();
    }

    /** Sizes, outermost first. */
    public Shape shape() {
        return elements.info().shape();
    }

    /** All elements as floats, a new array; float64 and wide integers are rounded, bool is 0 or 1. */
    public float[] floats() {
        return elements.floats();
    }

    /**
     * All elements of an integer or bool array, a new array.
     *
     * @throws CheckpointException if it holds floats or a value beyond 32 bits
     */
    public int[] ints() {
        return elements.ints();
    }

    /**
     * All elements of an integer or bool array, a new array.
     *
     * @throws CheckpointException if it holds floats
     */
    public long[] longs() {
        return elements.longs();
    }

    /** Writes float32. Not modified. */
    public static void write(Path path, Shape shape, float[] values) {
        requireLength(path, shape, values.length);
        write(path, DType.F32, shape, out -> out.asFloatBuffer().put(values));
    }

    /** Writes int64. Not modified. */
    public static void write(Path path, Shape shape, long[] values) {
        requireLength(path, shape, values.length);
        write(path, DType.I64, shape, out -> out.asLongBuffer().put(values));
    }

    /** Writes int32. Not modified. */
    public static void write(Path path, Shape shape, int[] values) {
        requireLength(path, shape, values.length);
        write(path, DType.I32, shape, out -> out.asIntBuffer().put(values));
    }

    /** Writes uint8. Not modified. */
    public static void write(Path path, Shape shape, byte[] values) {
        requireLength(path, shape, values.length);
        write(path, DType.U8, shape, out -> out.put(values));
    }

    private static void requireLength(Path path, Shape shape, int length) {
        if (length != shape.size()) {
            throw new IllegalArgumentException(
                    path + ": " + length + " values (expected " + shape.size() + " for shape " + shape + ")");
        }
    }

    private interface Fill {
        void into(ByteBuffer out);
    }

    private static void write(Path path, DType dtype, Shape shape, Fill fill) {
        try {
            AtomicFiles.write(path, bytes(dtype, shape, fill));
        } catch (IOException e) {
            throw new CheckpointException(path, null, "cannot be written: " + e.getMessage(), e);
        }
    }

    private static byte[] bytes(DType dtype, Shape shape, Fill fill) {
        byte[] header = new NpyHeader(dtype, Arrays.stream(shape.toArray()).asLongStream().toArray()).toBytes();
        long size = header.length + (long) shape.size() * dtype.bytes();
        if (size > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException("array of " + size + " bytes (expected less than 2^31 - 8)");
        }
        byte[] file = Arrays.copyOf(header, (int) size);
        fill.into(ByteBuffer.wrap(file)
                .position(header.length)
                .slice()
                .order(ByteOrder.LITTLE_ENDIAN));
        return file;
    }
}
