package org.aimjvm.io;

import static org.aimjvm.io.PickleBytes.pickle;
import static org.aimjvm.io.PickleBytes.storage;
import static org.aimjvm.io.PickleBytes.tensor;
import static org.aimjvm.io.PickleBytes.text;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
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
            int[] dims = e.getValue().shape.toArray();
            long[] sizes = new long[dims.length];
            long[] strides = new long[dims.length];
            long stride = 1;
            for (int i = dims.length - 1; i >= 0; i--) {
                sizes[i] = dims[i];
                strides[i] = stride;
                stride *= dims[i];
            }
            String storage = storage("FloatStorage", Integer.toString(key++), e.getValue().elements.length, device);
            opcodes.append(text(e.getKey())).append(tensor(storage, 0, sizes, strides));
        }
        return opcodes.append('u').toString();
    }

    private static byte[] bytes(float[] elements) {
        ByteBuffer b = ByteBuffer.allocate(4 * elements.length).order(ByteOrder.LITTLE_ENDIAN);
        b.asFloatBuffer().put(elements);
        return b.array();
    }
}
