package org.aimjvm.checkpoint;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.Checkpoints;
import org.aimjvm.io.QuantizedTensors;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.TensorSource;

/**
 * Finds and opens a model's file of weights, on the disk or in a jar.
 *
 * @param folder where it is, for messages
 * @param tensors its tensors, their names brought into one form
 * @param text gives the content of a file beside it, or {@code null} if there is none
 */
record ModelSource(Path folder, TensorSource tensors, UnaryOperator<String> text) {
    private static final List<String> LOOKED_FOR = List.of(
            ModelFolder.WEIGHTS, "pytorch_model.bin", "model.pt", "model.bin", ModelFolder.WEIGHTS + ".index.json",
            "pytorch_model.bin.index.json");
    private static final long MAX_TEXT = 1 << 24;

    /** By what users type: see {@link ModelFolder#open(String)}. */
    static ModelSource of(String model) {
        Path path;
        try {
            path = Path.of(model);
        } catch (InvalidPathException e) {
            throw new CheckpointException(Path.of(""), null, "model: not a path: " + e.getMessage(), e);
        }
        if (Files.exists(path)) {
            return of(path);
        }
        if (EmbeddedModels.contains(model)) {
            return embedded(model);
        }
        throw new CheckpointException(
                path, null, "no such file or folder (looked for " + path.toAbsolutePath()
                        + "), and no embedded model of that name (expected a path, or " + embeddedOnes() + ")");
    }

    /** Of a folder, or a file of weights. */
    static ModelSource of(Path model) {
        Path weights = weights(model);
        Path folder = weights.toAbsolutePath().getParent();
        return new ModelSource(folder, CanonicalNames.of(Checkpoints.open(weights)),
                name -> text(folder.resolve(name)));
    }

    /** Of a jar on the class path. */
    static ModelSource embedded(String name) {
        Path label = EmbeddedModels.path(name);
        byte[] weights = EmbeddedModels.contains(name) ? EmbeddedModels.file(name, ModelFolder.WEIGHTS) : null;
        if (weights == null) {
            throw new CheckpointException(
                    label, null, "no such embedded model on the class path (expected " + embeddedOnes() + ")");
        }
        return new ModelSource(
                label,
                CanonicalNames.of(QuantizedTensors.of(
                        SafeTensors.of(label.resolve(ModelFolder.WEIGHTS), MemorySegment.ofArray(weights)))),
                file -> {
                    byte[] text = EmbeddedModels.file(name, file);
                    return text == null ? null : new String(text, StandardCharsets.UTF_8);
                });
    }

    private static String embeddedOnes() {
        List<String> names = EmbeddedModels.names();
        return names.isEmpty() ? "a jar with one, such as aim-model-fashion" : "one of " + String.join(", ", names);
    }

    /** The file of weights that {@code model} is, or that the folder holds. */
    static Path weights(Path model) {
        if (!Files.isDirectory(model)) {
            return model;
        }
        for (String name : LOOKED_FOR) {
            if (Files.exists(model.resolve(name))) {
                return model.resolve(name);
            }
        }
        throw new CheckpointException(model, null,
                "no weights in this folder (expected one of " + String.join(", ", LOOKED_FOR) + ")");
    }

    private static String text(Path file) {
        try {
            if (!Files.exists(file)) {
                return null;
            }
            if (Files.size(file) > MAX_TEXT) {
                throw new CheckpointException(file, null,
                        Files.size(file) + " bytes, expected a text of at most " + MAX_TEXT);
            }
            return Files.readString(file);
        } catch (IOException e) {
            throw new CheckpointException(file, null, "cannot be read as text: " + e.getMessage(), e);
        }
    }

    /** Content of a file beside the weights, {@code null} if there is none. */
    String read(String file) {
        return text.apply(file);
    }

    /** A file beside the weights, for messages. */
    Path file(String name) {
        return folder.resolve(name);
    }
}
