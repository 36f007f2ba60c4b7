package org.aimjvm.verify;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.Npy;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.tensor.Tensor;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Writes cases in the format of the golden data, of any size, from values that this library computed. */
final class CaseWriter {
    private final Path folder;
    private final ObjectNode readme = new JsonMapper().createObjectNode();
    private final ObjectNode settings;
    private final ObjectNode arrays;
    private final ObjectNode files;

    CaseWriter(Path dir, String name) throws IOException {
        this.folder = Files.createDirectories(dir.resolve(name));
        readme.put("case", name);
        this.settings = readme.putObject("settings");
        this.arrays = readme.putObject("arrays");
        this.files = readme.putObject("files");
    }

    CaseWriter setting(String key, double value) {
        if (value == Math.rint(value)) {
            settings.put(key, (int) value);
        } else {
            settings.put(key, value);
        }
        return this;
    }

    CaseWriter flag(String key, boolean value) {
        settings.put(key, value);
        return this;
    }

    private ObjectNode describe(String name, Shape shape, String dtype, String meaning) {
        ObjectNode n = arrays.putObject(name);
        n.put("file", name + ".npy");
        for (int d : shape.toArray()) {
            n.withArray("shape").add(d);
        }
        n.put("dtype", dtype);
        n.put("meaning", meaning);
        return n;
    }

    /** An array with the tolerance 1e-4 + 1e-4 |b|. */
    CaseWriter output(String name, Tensor t, String meaning) {
        describe(name, t.shape(), "float32", meaning).put("atol", 1e-4).put("rtol", 1e-4);
        Npy.write(folder.resolve(name + ".npy"), t.shape(), t.toFloats());
        return this;
    }

    CaseWriter output(String name, Tensor t) {
        return output(name, t, "");
    }

    CaseWriter input(String name, Tensor t) {
        describe(name, t.shape(), "float32", "").put("atol", 0).put("rtol", 0);
        Npy.write(folder.resolve(name + ".npy"), t.shape(), t.toFloats());
        return this;
    }

    CaseWriter ints(String name, Shape shape, int... values) {
        describe(name, shape, "int32", "").put("tolerance", "exact");
        Npy.write(folder.resolve(name + ".npy"), shape, values);
        return this;
    }

    CaseWriter tensors(String file, Map<String, Tensor> tensors, String tolerance) {
        files.putObject(file).put("meaning", "").put("tensors", tensors.size()).put("tolerance", tolerance);
        SafeTensorsWriter writer = new SafeTensorsWriter();
        tensors.forEach((n, t) -> writer.floats(n, DType.F32, t.shape(), t::toFloats));
        writer.write(folder.resolve(file));
        return this;
    }

    CaseWriter text(String file, String text) throws IOException {
        files.putObject(file).put("meaning", "");
        Files.writeString(folder.resolve(file), text);
        return this;
    }

    /** Writes the description. */
    void close() throws IOException {
        Files.writeString(folder.resolve(GoldenCase.README), readme.toPrettyString());
    }
}
