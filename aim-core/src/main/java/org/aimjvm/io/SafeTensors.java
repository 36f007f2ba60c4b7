package org.aimjvm.io;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.backend.WeightMatrix;

/**
 * A safetensors file, memory-mapped: an unsigned 64-bit little-endian header length, a JSON header, the tensors' bytes.
 * Opening reads the header only. Files over 2 GB are fine, single tensors may have up to 2^31 - 9 elements.
 *
 * <p>Written by {@link SafeTensorsWriter}. Format: https://github.com/huggingface/safetensors
 */
public final class SafeTensors implements TensorSource {
    private final Path path;
    private final MappedFile file;
    private final SafeTensorsHeader header;
    private final long dataStart;

    private SafeTensors(Path path, MappedFile file) {
        this.path = path;
        this.file = file;
        byte[] json = headerJson(path, file.bytes());
        this.dataStart = 8L + json.length;
        this.header = SafeTensorsHeader.parse(path, json, file.bytes().byteSize() - dataStart);
    }

    /**
     * Maps the file and reads its header.
     *
     * @throws CheckpointException if it is not a complete, valid safetensors file
     */
    public static SafeTensors open(Path path) {
        return MappedFile.open(path, file -> new SafeTensors(path, file));
    }

    /** A file that is already in memory; {@code path} only appears in messages. */
    public static SafeTensors of(Path path, MemorySegment bytes) {
        return new SafeTensors(path, MappedFile.inMemory(bytes));
    }

    private static byte[] headerJson(Path path, MemorySegment bytes) {
        if (bytes.byteSize() < 8) {
            throw new CheckpointException(
                    path, null, bytes.byteSize() + " bytes, expected a safetensors file of at least 8");
        }
        long length = ByteBuffer.wrap(bytes.asSlice(0, 8).toArray(ValueLayout.JAVA_BYTE)).order(ByteOrder.LITTLE_ENDIAN)
                .getLong(); // not by a layout: its first use takes 25 ms of a start
        long max = Math.min(SafeTensorsHeader.MAX_BYTES, bytes.byteSize() - 8);
        if (length < 0 || length > max) {
            throw new CheckpointException(
                    path,
                    null,
                    "header length " + Long.toUnsignedString(length) + ", expected at most " + max
                            + " (is it complete, and a safetensors file?)");
        }
        return bytes.asSlice(8, length).toArray(ValueLayout.JAVA_BYTE);
    }

    private TensorBytes bytes(String name) {
        SafeTensorsHeader.Entry entry = entry(name);
        TensorInfo info = entry.info();
        return new TensorBytes(path, info, file.bytes().asSlice(dataStart + entry.begin(), info.bytes()));
    }

    /**
     * The stored elements themselves: row-major, little endian, read-only, mapped, at any alignment; valid until
     * closed.
     *
     * @throws CheckpointException if there is none of that name
     */
    public MemorySegment mapped(String name) {
        return bytes(name).bytes();
    }

    private SafeTensorsHeader.Entry entry(String name) {
        SafeTensorsHeader.Entry entry = header.entries().get(name);
        if (entry == null) {
            throw new CheckpointException(path, name, "no such tensor");
        }
        return entry;
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public Set<String> names() {
        return header.entries().keySet();
    }

    @Override
    public TensorInfo info(String name) {
        return entry(name).info();
    }

    @Override
    public float[] readFloats(String name) {
        return bytes(name).floats();
    }

    @Override
    public WeightMatrix matrix(String name) {
        TensorBytes t = bytes(name);
        Shape shape = t.info().shape();
        if (shape.rank() != 2) {
            return TensorSource.super.matrix(name); // which refuses
        }
        int out = shape.dim(0);
        int in = shape.dim(1);
        if (t.info().dtype() == DType.F32 && t.bytes().isNative()) {
            return new WeightMatrix.Mapped(out, in, t.bytes());
        }
        WeightFormat format = t.info().dtype() == DType.BF16 ? WeightFormat.BF16 : WeightFormat.F32;
        return new WeightMatrix.Stored(
                out, in, format, (from, to, values) -> t.floats(from * in, (to - from) * in, values));
    }

    @Override
    public int[] readInts(String name) {
        return bytes(name).ints();
    }

    @Override
    public byte[] readBytes(String name) {
        return bytes(name).octets();
    }

    @Override
    public long[] readLongs(String name) {
        return bytes(name).longs();
    }

    @Override
    public Map<String, String> metadata() {
        return header.metadata();
    }

    @Override
    public void close() {
        file.close();
    }
}
