package org.aimjvm.io;

import static org.aimjvm.io.PickleBytes.pickle;
import static org.aimjvm.io.PickleBytes.storage;
import static org.aimjvm.io.PickleBytes.tensor;
import static org.aimjvm.io.PickleBytes.text;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aimjvm.backend.Shape;

/** PyTorch files of float tensors, as {@code torch.save} of a flat dict writes them. */
public final class TorchFiles {
    /** A tensor's shape and elements. */
    public record Values(Shape shape, float[] elements) {}

    private TorchFiles() {}

    /** The zip container. */
    public static byte[] zip(Map<String, Values> tensors) {
        Map<String, byte[]> storages = new LinkedHashMap<>();
        tensors.forEach((name, v) -> storages.put(Integer.toString(storages.size()), bytes(v.elements)));
        return PickleBytes.zip(pickle(dict(tensors, "cpu")), storages, true);
    }

    /**
     * The zip container of nested values: dicts (maps, with texts or whole numbers as keys), lists, {@link Values},
     * numbers, texts, {@link Namespace}.
     */
    public static byte[] nested(Map<String, ?> root) {
        Map<String, byte[]> storages = new LinkedHashMap<>();
        return PickleBytes.zip(pickle(value(root, storages)), storages, true);
    }

    /** An {@code argparse.Namespace}, with one attribute of a class that only the program that wrote it knows. */
    public record Namespace(Map<String, ?> attributes) {}

    private static String value(Object value, Map<String, byte[]> storages) {
        return switch (value) {
            case Values v -> tensorOf(v, storages);
            case Map<?, ?> m -> {
                StringBuilder opcodes = new StringBuilder("}(");
                m.forEach((k, v) -> opcodes.append(value(k, storages)).append(value(v, storages)));
                yield opcodes.append('u').toString();
            }
            case Namespace(Map<String, ?> attributes) -> "cargparse\nNamespace\n)\u0081}("
                    + text("device") + "c__main__\nSomething\n)\u0081"
                    + value(attributes, storages).substring(2) + "b";
            case List<?> l -> {
                StringBuilder opcodes = new StringBuilder("](");
                l.forEach(v -> opcodes.append(value(v, storages)));
                yield opcodes.append('e').toString();
            }
            case Integer i -> PickleBytes.i32(i);
            case Double d -> "G" + new String(
                    ByteBuffer.allocate(8).putDouble(d).array(), StandardCharsets.ISO_8859_1);
            case String t -> text(t);
            default -> throw new IllegalArgumentException(value.getClass() + " (expected one of those above)");
        };
    }

    private static String tensorOf(Values v, Map<String, byte[]> storages) {
        String key = Integer.toString(storages.size());
        storages.put(key, bytes(v.elements));
        return tensorOf(v, key);
    }

    private static String tensorOf(Values v, String key) {
        int[] dims = v.shape.toArray();
        long[] sizes = new long[dims.length];
        long[] strides = new long[dims.length];
        long stride = 1;
        for (int i = dims.length - 1; i >= 0; i--) {
            sizes[i] = dims[i];
            strides[i] = stride;
            stride *= dims[i];
        }
        return tensor(storage("FloatStorage", key, v.elements.length), 0, sizes, strides);
    }

    /** The container of PyTorch 1.5 and older: magic number, version, system, content, keys, storages. */
    public static byte[] legacy(Map<String, Values> tensors) {
        return legacy(tensors, "cpu");
    }

    /** As {@link #legacy(Map)} of tensors that were on {@code device} when they were saved. */
    public static byte[] legacy(Map<String, Values> tensors, String device) {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        file.writeBytes(pickle("\u008a\nl\u00fc\u009cF\u00f9 j\u00a8P\u0019"));
        file.writeBytes(pickle("M\u00e9\u0003"));
        file.writeBytes(pickle("}" + text("little_endian") + "\u0088s"));
        file.writeBytes(pickle(dict(tensors, device)));
        StringBuilder keys = new StringBuilder("](");
        for (int i = 0; i < tensors.size(); i++) {
            keys.append(text(Integer.toString(i)));
        }
        file.writeBytes(pickle(keys.append('e').toString()));
        for (Values v : tensors.values()) {
            file.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(v.elements.length).array());
            file.writeBytes(bytes(v.elements));
        }
        return file.toByteArray();
    }

    private static String dict(Map<String, Values> tensors, String device) {
        StringBuilder opcodes = new StringBuilder("}(");
        int key = 0;
        for (Map.Entry<String, Values> e : tensors.entrySet()) {
            opcodes.append(text(e.getKey())).append(tensorOf(e.getValue(), Integer.toString(key++)));
        }
        return opcodes.append('u').toString();
    }

    private static byte[] bytes(float[] elements) {
        ByteBuffer b = ByteBuffer.allocate(4 * elements.length).order(ByteOrder.LITTLE_ENDIAN);
        b.asFloatBuffer().put(elements);
        return b.array();
    }
}
