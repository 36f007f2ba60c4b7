package org.aimjvm.io;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Collects tensors and writes them as a safetensors file.
 *
 * <p>The bytes depend only on what was added, not on the order: tensors are stored by falling element size, then name
 * (which keeps all of them aligned), metadata by key, and the header is padded with spaces to a multiple of 8. Values
 * come from suppliers, asked one after another while writing, so only one tensor at a time need be in memory. The file
 * appears at once when complete, see {@link AtomicFiles}.
 */
public final class SafeTensorsWriter {
    private record Tensor(TensorInfo info, ElementEncoder encoder) {}

    private final List<Tensor> tensors = new ArrayList<>();
    private final Set<String> names = new HashSet<>();
    private final TreeMap<String, String> metadata = new TreeMap<>();

    /** Adds a text to the file's {@code __metadata__}, replacing an earlier one of the same key. */
    public SafeTensorsWriter metadata(String key, String value) {
        metadata.put(key, value);
        return this;
    }

    /** Adds all texts to the file's {@code __metadata__}. Not modified. */
    public SafeTensorsWriter metadata(Map<String, String> texts) {
        metadata.putAll(texts);
        return this;
    }

    /**
     * Adds a tensor of floating-point numbers, rounded to nearest even where {@code dtype} is narrower than F32.
     *
     * @param dtype F64, F32, F16 or BF16
     * @param values gives the elements in row-major order when the file is written; they are not modified
     * @throws IllegalArgumentException if the name is taken or reserved, or for another type
     */
    public SafeTensorsWriter floats(String name, DType dtype, Shape shape, Supplier<float[]> values) {
        return add(new TensorInfo(name, dtype, shape), ElementEncoder.floats(name, dtype, shape, values));
    }

    /**
     * Adds a tensor of integers.
     *
     * @param dtype I64, I32, I16, I8, U8 or BOOL; values outside its range fail when the file is written
     * @param values gives the elements in row-major order when the file is written; they are not modified
     * @throws IllegalArgumentException if the name is taken or reserved, or for another type
     */
    public SafeTensorsWriter ints(String name, DType dtype, Shape shape, Supplier<int[]> values) {
        return add(new TensorInfo(name, dtype, shape), ElementEncoder.ints(name, dtype, shape, values));
    }

    /** The tensors added so far, in that order. */
    public List<TensorInfo> tensors() {
        return tensors.stream().map(Tensor::info).toList();
    }

    /**
     * Adds an I64 tensor.
     *
     * @param values gives the elements in row-major order when the file is written; they are not modified
     * @throws IllegalArgumentException if the name is taken or reserved
     */
    public SafeTensorsWriter longs(String name, Shape shape, Supplier<long[]> values) {
        return add(new TensorInfo(name, DType.I64, shape), ElementEncoder.longs(name, shape, values));
    }

    private SafeTensorsWriter add(TensorInfo info, ElementEncoder encoder) {
        if (info.name().equals(SafeTensorsHeader.METADATA)) {
            throw new IllegalArgumentException(info.name() + ": the name is reserved (expected another)");
        }
        if (!names.add(info.name())) {
            throw new IllegalArgumentException(info.name() + ": added twice (expected once)");
        }
        tensors.add(new Tensor(info, encoder));
        return this;
    }

    /**
     * Writes the file.
     *
     * @throws IllegalArgumentException if a supplier gives a wrong number of elements or an integer out of range
     * @throws CheckpointException if the file cannot be written; an earlier file is then untouched
     */
    public void write(Path path) {
        List<Tensor> ordered = new ArrayList<>(tensors);
        ordered.sort(Comparator.comparingInt((Tensor t) -> -t.info().dtype().bytes())
                .thenComparing(t -> t.info().dtype())
                .thenComparing(t -> t.info().name()));
        byte[] header = header(ordered);
        if (header.length > SafeTensorsHeader.MAX_BYTES) {
            throw new CheckpointException(
                    path, null, "header of " + header.length + " bytes, expected at most "
                            + SafeTensorsHeader.MAX_BYTES);
        }
        try {
            AtomicFiles.write(path, out -> {
                ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
                buffer.putLong(header.length);
                ElementEncoder.drain(out, buffer);
                ByteBuffer json = ByteBuffer.wrap(header);
                while (json.hasRemaining()) {
                    out.write(json);
                }
                for (Tensor t : ordered) {
                    t.encoder().write(out, buffer);
                }
            });
        } catch (IOException e) {
            throw new CheckpointException(path, null, "cannot be written: " + e.getMessage(), e);
        }
    }

    private byte[] header(List<Tensor> ordered) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        JsonFactory factory = new JsonFactory();
        try (JsonGenerator json = factory.createGenerator(ObjectWriteContext.empty(), bytes)) {
            json.writeStartObject();
            if (!metadata.isEmpty()) {
                json.writeName(SafeTensorsHeader.METADATA);
                json.writeStartObject();
                metadata.forEach(json::writeStringProperty);
                json.writeEndObject();
            }
            long offset = 0;
            for (Tensor t : ordered) {
                TensorInfo info = t.info();
                json.writeName(info.name());
                json.writeStartObject();
                json.writeStringProperty("dtype", info.dtype().name());
                json.writeName("shape");
                int[] dims = info.shape().toArray();
                json.writeArray(dims, 0, dims.length);
                json.writeName("data_offsets");
                json.writeArray(new long[] {offset, offset + info.bytes()}, 0, 2);
                json.writeEndObject();
                offset += info.bytes();
            }
            json.writeEndObject();
        }
        while (bytes.size() % 8 != 0) {
            bytes.write(' ');
        }
        return bytes.toByteArray();
    }
}
