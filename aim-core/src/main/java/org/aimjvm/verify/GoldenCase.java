package org.aimjvm.verify;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.Checkpoints;
import org.aimjvm.io.Npy;
import org.aimjvm.io.TensorSource;
import org.aimjvm.tensor.Tensor;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** One case of golden data: a folder with a {@code README.json} and the files that it describes. */
final class GoldenCase {
    static final String README = "README.json";

    /**
     * A described array.
     *
     * @param atol absolute tolerance; NaN if the description has none
     * @param rtol tolerance relative to the expected element; NaN if the description has none
     * @param tolerance tolerance in words ({@code exact}, {@code within 1}); empty if there is none
     * @param node all that the description says
     */
    record ArrayInfo(
            String name, Path path, DType dtype, Shape shape, String meaning, double atol, double rtol,
            String tolerance,
            JsonNode node) {
        /** Another number of the description, or {@code missing}. */
        double number(String key, double missing) {
            double value = GoldenCase.number(node, key);
            return Double.isNaN(value) ? missing : value;
        }
    }

    /**
     * Another described file.
     *
     * @param tensors number of tensors in it; -1 if the description does not say
     */
    record FileInfo(String name, Path path, String meaning, String tolerance, int tensors) {}

    private final Path folder;
    private final String name;
    private final JsonNode settings;
    private final Map<String, ArrayInfo> arrays = new LinkedHashMap<>();
    private final Map<String, FileInfo> files = new LinkedHashMap<>();

    private GoldenCase(Path folder, JsonNode readme) {
        this.folder = folder;
        JsonNode caseName = readme.get("case");
        JsonNode arrayNodes = readme.get("arrays");
        if (caseName == null || !caseName.isString() || arrayNodes == null || !arrayNodes.isObject()) {
            throw new CheckpointException(folder.resolve(README), null,
                    "no case and arrays, expected the description of a golden case");
        }
        this.name = caseName.asString();
        this.settings = readme.has("settings") ? readme.get("settings") : new JsonMapper().createObjectNode();
        for (Map.Entry<String, JsonNode> e : arrayNodes.properties()) {
            arrays.put(e.getKey(), arrayInfo(e.getKey(), e.getValue()));
        }
        if (readme.has("files")) {
            for (Map.Entry<String, JsonNode> e : readme.get("files").properties()) {
                JsonNode f = e.getValue();
                int tensors = f.has("tensors") ? f.get("tensors").asInt() : -1;
                files.put(e.getKey(), new FileInfo(e.getKey(), inside(e.getKey()), text(f, "meaning"),
                        text(f, "tolerance"), tensors));
            }
        }
    }

    /**
     * Reads the description, nothing else.
     *
     * @throws CheckpointException if it is not one
     */
    static GoldenCase read(Path folder) {
        Path readme = folder.resolve(README);
        try {
            JsonNode tree = new JsonMapper().readTree(Files.readString(readme, StandardCharsets.UTF_8));
            return new GoldenCase(folder, tree);
        } catch (JacksonException e) {
            throw new CheckpointException(readme, null, "not JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new CheckpointException(readme, null, "cannot be read: " + e.getMessage(), e);
        }
    }

    private ArrayInfo arrayInfo(String array, JsonNode a) {
        if (!a.has("file") || !a.has("shape") || !a.get("shape").isArray() || !a.has("dtype")) {
            throw new CheckpointException(folder.resolve(README), array, "no file, shape and dtype");
        }
        int[] dims = new int[a.get("shape").size()];
        for (int i = 0; i < dims.length; i++) {
            dims[i] = a.get("shape").get(i).asInt(-1);
        }
        return new ArrayInfo(
                array, inside(a.get("file").asString()), dtype(array, a.get("dtype").asString()), Shape.of(dims),
                text(a, "meaning"),
                number(a, "atol"), number(a, "rtol"), text(a, "tolerance"), a);
    }

    private DType dtype(String array, String dtype) {
        return switch (dtype) {
            case "float64" -> DType.F64;
            case "float32" -> DType.F32;
            case "float16" -> DType.F16;
            case "int64" -> DType.I64;
            case "int32" -> DType.I32;
            case "int16" -> DType.I16;
            case "uint16" -> DType.U16;
            case "int8" -> DType.I8;
            case "uint8" -> DType.U8;
            case "bool" -> DType.BOOL;
            default -> throw new CheckpointException(folder.resolve(README), array,
                    "dtype " + dtype + ", expected a NumPy type");
        };
    }

    private static String text(JsonNode n, String key) {
        return n.has(key) && n.get(key).isString() ? n.get(key).asString() : "";
    }

    private static double number(JsonNode n, String key) {
        return n.has(key) && n.get(key).isNumber() ? n.get(key).doubleValue() : Double.NaN;
    }

    private Path inside(String file) {
        Path path = folder.resolve(file).normalize();
        if (!path.startsWith(folder)) {
            throw new CheckpointException(folder.resolve(README), file, "outside the folder of the case");
        }
        return path;
    }

    /**
     * Checks that every described file is there and has the type, shape and number of tensors described.
     *
     * @throws CheckpointException naming the first that has not
     */
    void checkFiles() {
        arrays.keySet().forEach(this::npy);
        for (FileInfo f : files.values()) {
            if (!Files.isRegularFile(f.path)) {
                throw new CheckpointException(f.path, null, "no such file, but " + README + " names it");
            }
            if (f.tensors >= 0) {
                try (TensorSource source = Checkpoints.open(f.path)) {
                    if (source.names().size() != f.tensors) {
                        throw new CheckpointException(f.path, null,
                                source.names().size() + " tensors, expected " + f.tensors);
                    }
                }
            }
        }
    }

    /** True or false of the settings, or {@code missing}. */
    boolean flag(String key, boolean missing) {
        return settings.has(key) ? settings.get(key).asBoolean(missing) : missing;
    }

    Path folder() {
        return folder;
    }

    /** The case's name, whose beginning tells its kind. */
    String name() {
        return name;
    }

    Map<String, ArrayInfo> arrays() {
        return Collections.unmodifiableMap(arrays);
    }

    Map<String, FileInfo> files() {
        return Collections.unmodifiableMap(files);
    }

    /** Whether there is an array of that name. */
    boolean has(String array) {
        return arrays.containsKey(array);
    }

    /** Those of {@code names} that are arrays of this case. */
    List<String> present(List<String> names) {
        List<String> present = new ArrayList<>(names);
        present.retainAll(arrays.keySet());
        return present;
    }

    /** The settings as a JSON object. */
    JsonNode settings() {
        return settings;
    }

    /**
     * The folder of another case that this one refers to: {@code name} beside this case's folder or beside one
     * above it.
     *
     * @return {@code null} if it is not there
     */
    Path neighbour(String name) {
        Path parent = folder.getParent();
        for (int up = 0; up < 2 && parent != null; up++, parent = parent.getParent()) {
            if (Files.isRegularFile(parent.resolve(name).resolve(README))) {
                return parent.resolve(name);
            }
        }
        return null;
    }

    /** A number of the settings, or {@code missing}. */
    double setting(String key, double missing) {
        double value = number(settings, key);
        return Double.isNaN(value) ? missing : value;
    }

    ArrayInfo info(String array) {
        ArrayInfo info = arrays.get(array);
        if (info == null) {
            throw new CheckpointException(folder.resolve(README), array, "no such array");
        }
        return info;
    }

    Shape shape(String array) {
        return info(array).shape;
    }

    /** The array's file, checked against its description. */
    Npy npy(String array) {
        ArrayInfo info = info(array);
        Npy npy = Npy.read(info.path);
        if (npy.dtype() != info.dtype || !npy.shape().equals(info.shape)) {
            throw new CheckpointException(
                    info.path, null,
                    npy.dtype() + " " + npy.shape() + ", but " + README + " describes " + info.dtype + " "
                            + info.shape);
        }
        return npy;
    }

    float[] floats(String array) {
        return npy(array).floats();
    }

    int[] ints(String array) {
        return npy(array).ints();
    }

    /** The array as an F32 tensor. */
    Tensor tensor(Backend backend, String array) {
        return Tensor.of(backend, shape(array), floats(array));
    }

    /** The array as an F32 leaf that wants a gradient. */
    Tensor parameter(Backend backend, String array) {
        return Tensor.parameter(backend, shape(array), floats(array));
    }

    /** The array as an I32 tensor. */
    Tensor intTensor(Backend backend, String array) {
        return Tensor.ofInts(backend, shape(array), ints(array));
    }

    /** Whether the case describes a file of that name. */
    boolean hasFile(String file) {
        return files.containsKey(file);
    }

    /** A file of tensors. */
    TensorSource open(String file) {
        return Checkpoints.open(inside(file));
    }

    /** The number that {@code pattern}'s first group finds in {@code text}, or {@code missing}. */
    static double find(String text, String pattern, double missing) {
        Matcher m = Pattern.compile(pattern).matcher(text);
        return m.find() ? Double.parseDouble(m.group(1)) : missing;
    }
}
