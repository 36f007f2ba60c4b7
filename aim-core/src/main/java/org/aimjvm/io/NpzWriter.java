package org.aimjvm.io;

import java.io.BufferedOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.LocalDateTime;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.aimjvm.backend.DType;

/** Adds arrays to a NumPy archive that is being written by {@link Npz#write}. */
public final class NpzWriter {
    /** Writes the elements of one array. */
    @FunctionalInterface
    public interface Elements {
        void write(OutputStream out) throws IOException;
    }

    private final ZipOutputStream zip;
    private final Set<String> names = new HashSet<>();

    NpzWriter(OutputStream out) {
        zip = new ZipOutputStream(new BufferedOutputStream(out, 1 << 16));
        // Stored blocks: an entry's checksum is not known before streaming it, which rules out the stored method.
        zip.setLevel(Deflater.NO_COMPRESSION);
    }

    /**
     * Adds an array whose elements are produced while writing, e.g. pictures one by one.
     *
     * @param name without ending, e.g. {@code arr_0}
     * @param dtype not BF16, which NumPy lacks
     * @param dims sizes; the product may exceed 2^31. Not modified
     * @param elements writes exactly the product of {@code dims} elements, little endian, in C order
     * @throws IllegalArgumentException if the name is taken or {@code elements} writes another number of bytes
     */
    public void add(String name, DType dtype, int[] dims, Elements elements) throws IOException {
        if (!names.add(name)) {
            throw new IllegalArgumentException(name + ": added twice (expected once)");
        }
        long[] sizes = Arrays.stream(dims).asLongStream().toArray();
        long expected = dtype.bytes();
        for (long d : sizes) {
            if (d < 0) {
                throw new IllegalArgumentException(name + ": shape " + Arrays.toString(dims)
                        + " (expected sizes >= 0)");
            }
            expected = Math.multiplyExact(expected, d);
        }
        ZipEntry entry = new ZipEntry(name + ".npy");
        entry.setTimeLocal(LocalDateTime.of(1980, 1, 1, 0, 0));
        zip.putNextEntry(entry);
        zip.write(new NpyHeader(dtype, sizes).toBytes());
        Counter counter = new Counter(zip);
        elements.write(counter);
        if (counter.count != expected) {
            throw new IllegalArgumentException(name + ": " + counter.count + " bytes (expected " + expected + " for "
                    + dtype + " " + Arrays.toString(dims) + ")");
        }
        zip.closeEntry();
    }

    /** Adds uint8 elements, e.g. pictures (N, H, W, 3). Not modified. */
    public void add(String name, int[] dims, byte[] values) throws IOException {
        add(name, DType.U8, dims, out -> out.write(values));
    }

    /** Adds int64 elements, e.g. labels (N). Not modified. */
    public void add(String name, int[] dims, long[] values) throws IOException {
        byte[] bytes = new byte[Math.multiplyExact(8, values.length)];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().put(values);
        add(name, DType.I64, dims, out -> out.write(bytes));
    }

    /** Adds float32 elements. Not modified. */
    public void add(String name, int[] dims, float[] values) throws IOException {
        byte[] bytes = new byte[Math.multiplyExact(4, values.length)];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(values);
        add(name, DType.F32, dims, out -> out.write(bytes));
    }

    void finish() throws IOException {
        zip.finish();
        zip.flush();
    }

    /** Counts bytes; closing it leaves the archive open. */
    private static final class Counter extends FilterOutputStream {
        private long count;

        Counter(OutputStream out) {
            super(out);
        }

        @Override
        public void write(int b) throws IOException {
            out.write(b);
            count++;
        }

        @Override
        public void write(byte[] b, int off, int len) throws IOException {
            out.write(b, off, len);
            count += len;
        }

        @Override
        public void close() {}
    }
}
