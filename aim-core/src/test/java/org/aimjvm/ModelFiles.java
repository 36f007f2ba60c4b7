package org.aimjvm;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.checkpoint.AimConfigJson;
import org.aimjvm.checkpoint.VqConfigJson;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TorchFiles.Values;
import org.aimjvm.model.AimConfig;
import org.aimjvm.vq.VqConfig;

/** Model files of {@link TinyAim} in every layout. */
public final class ModelFiles {
    public static final TinyAim TINY = TinyAim.of(Backends.best());
    public static final AimConfig CONFIG = TinyAim.plain();
    public static final VqConfig VQ = TinyAim.vq(3);
    public static final String WORD = "mamba.backbone.embeddings.word_embeddings.weight";
    public static final String HEAD = "mamba.lm_head.weight";

    private ModelFiles() {}

    /** All tensors of the tiny model under their published names. */
    public static Map<String, Values> tensors() {
        Map<String, Values> all = new LinkedHashMap<>();
        TINY.params().all().forEach((name, t) -> all.put(name, new Values(t.shape(), t.toFloats())));
        return all;
    }

    public static Map<String, Values> renamed(Map<String, Values> tensors, UnaryOperator<String> rename) {
        Map<String, Values> all = new LinkedHashMap<>();
        tensors.forEach((name, v) -> all.put(rename.apply(name), v));
        return all;
    }

    /** The tensors whose names start with {@code prefix}. */
    public static Map<String, Values> part(Map<String, Values> tensors, String prefix) {
        Map<String, Values> part = new LinkedHashMap<>(tensors);
        part.keySet().removeIf(name -> !name.startsWith(prefix));
        return part;
    }

    public static Values values(float... elements) {
        return new Values(Shape.of(elements.length), elements);
    }

    /** Writes tensors and both configurations; returns the folder. */
    public static Path folder(Path folder, Map<String, Values> tensors) {
        safetensors(folder.resolve("model.safetensors"), tensors);
        configs(folder);
        return folder;
    }

    public static void safetensors(Path file, Map<String, Values> tensors) {
        SafeTensorsWriter writer = new SafeTensorsWriter();
        tensors.forEach((name, v) -> writer.floats(name, DType.F32, v.shape(), v::elements));
        writer.write(file);
    }

    public static void configs(Path folder) {
        text(folder.resolve("config.json"), AimConfigJson.toJson(CONFIG));
        text(folder.resolve("vq_config.json"), VqConfigJson.toJson(VQ));
    }

    public static void text(Path file, String text) {
        bytes(file, text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    public static void bytes(Path file, byte[] bytes) {
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            Files.write(file, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A file of the golden data. */
    public static Path golden(String name) {
        try {
            return Path.of(ModelFiles.class.getResource("/golden").toURI()).resolve(name);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
