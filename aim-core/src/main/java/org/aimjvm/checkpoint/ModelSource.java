package org.aimjvm.checkpoint;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.Checkpoints;
import org.aimjvm.io.QuantizedTensors;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.Sha256;
import org.aimjvm.io.TensorSource;
import org.aimjvm.model.AimConfig;

/**
 * Finds and opens a model's file of weights, on the disk or in a jar.
 *
 * @param folder where it is, for messages
 * @param file the file's tensors as they are, of which {@code tensors} is a view
 * @param tensors the model's, their names brought into one form
 * @param text gives the content of a file beside it, or {@code null} if there is none
 * @param digest gives the checksum of the weights, see {@link ModelFolder#sha256}
 */
record ModelSource(Path folder, TensorSource file, TensorSource tensors, UnaryOperator<String> text,
        Supplier<String> digest) {
    private static final List<String> LOOKED_FOR = List.of(
            ModelFolder.WEIGHTS, "pytorch_model.bin", "model.pt", "model.bin", ModelFolder.WEIGHTS + ".index.json",
            "pytorch_model.bin.index.json");
    private static final long MAX_TEXT = 1 << 24;

    /** By what users type: see {@link ModelFolder#open(String)}. */
    static ModelSource of(String model) {
        Path path = existing(model);
        return path == null ? embedded(model) : of(path);
    }

    /** As {@link #of(String)} for one of the copies of the weights, see {@link ModelFolder#open(String, WeightsCopy)}. */
    static ModelSource of(String model, WeightsCopy copy) {
        Path path = existing(model);
        if (path == null) {
            if (copy == WeightsCopy.EMA) {
                throw new CheckpointException(
                        EmbeddedModels.path(model), null, "no averaged weights (expected a checkpoint with both)");
            }
            return embedded(model);
        }
        Path averages = path.resolve(ModelFolder.AVERAGED);
        if (!Files.isDirectory(path)) {
            return of(path, source -> CanonicalNames.of(source, copy));
        }
        if (copy == WeightsCopy.EMA && !Files.exists(averages)) {
            throw new CheckpointException(
                    path, null, "no " + ModelFolder.AVERAGED + " (expected averaged weights; or take those that were"
                            + " trained)");
        }
        return of(copy != WeightsCopy.MODEL && Files.exists(averages) ? averages : path);
    }

    /** The file or folder that users mean; {@code null} for an embedded model. */
    private static Path existing(String model) {
        Path path;
        try {
            path = Path.of(model);
        } catch (InvalidPathException e) {
            throw new CheckpointException(Path.of(""), null, "model: not a path: " + e.getMessage(), e);
        }
        if (Files.exists(path)) {
            return path;
        }
        if (EmbeddedModels.contains(model)) {
            return null;
        }
        throw new CheckpointException(
                path, null, "no such file or folder (looked for " + path.toAbsolutePath()
                        + "), and no embedded model of that name (expected a path, or " + embeddedOnes() + ")");
    }

    /** Of a folder, or a file of weights. */
    static ModelSource of(Path model) {
        return of(model, CanonicalNames::of);
    }

    /** @param names finds the model among a file's tensors and names them */
    private static ModelSource of(Path model, UnaryOperator<TensorSource> names) {
        Path weights = weights(model);
        Path folder = weights.toAbsolutePath().getParent();
        TensorSource file = Checkpoints.open(weights);
        boolean found = false;
        try {
            ModelSource source = new ModelSource(
                    folder, file, names.apply(file), name -> text(folder.resolve(name)),
                    () -> Sha256.ofFiles(Checkpoints.files(weights)));
            found = true;
            return source;
        } finally {
            if (!found) {
                file.close();
            }
        }
    }

    /** Of a jar on the class path. */
    static ModelSource embedded(String name) {
        Path label = EmbeddedModels.path(name);
        byte[] weights = EmbeddedModels.contains(name) ? EmbeddedModels.file(name, ModelFolder.WEIGHTS) : null;
        if (weights == null) {
            throw new CheckpointException(
                    label, null, "no such embedded model on the class path (expected " + embeddedOnes() + ")");
        }
        TensorSource tensors = QuantizedTensors.of(
                SafeTensors.of(label.resolve(ModelFolder.WEIGHTS), MemorySegment.ofArray(weights)));
        return new ModelSource(
                label,
                tensors,
                CanonicalNames.of(tensors),
                file -> {
                    byte[] text = EmbeddedModels.file(name, file);
                    return text == null ? null : new String(text, StandardCharsets.UTF_8);
                },
                () -> Sha256.ofBytes(weights));
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

    /** The sequence model's configuration, which must be there. */
    AimConfig config() {
        Path file = file(ModelFolder.CONFIG);
        String json = read(ModelFolder.CONFIG);
        if (json == null) {
            throw new CheckpointException(
                    file, null, "no such file, expected the configuration beside the sequence model's weights");
        }
        return AimConfigJson.parse(json, file);
    }

    /** A file beside the weights, for messages. */
    Path file(String name) {
        return folder.resolve(name);
    }
}
