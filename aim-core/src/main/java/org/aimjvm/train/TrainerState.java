package org.aimjvm.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.aimjvm.io.AtomicFiles;
import org.aimjvm.io.CheckpointException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The file {@code trainer.json} of a checkpoint: how far the run is and what it must agree on to be continued.
 *
 * @param format of this file, {@value #FORMAT}
 * @param stage {@code vq} or {@code lm}
 * @param step steps made
 * @param data fingerprint of the training data
 * @param recipe all settings that decide the numbers: seed, batch, optimiser, schedule, model
 */
record TrainerState(int format, String stage, int step, String data, JsonNode recipe) {
    static final String FILE = "trainer.json";
    static final int FORMAT = 1;

    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /** @param recipe any value that Jackson writes as an object, such as an options record */
    static TrainerState of(String stage, int step, String data, Object recipe) {
        return new TrainerState(FORMAT, stage, step, data, JSON.valueToTree(recipe));
    }

    /**
     * Reads the file of a checkpoint.
     *
     * @throws CheckpointException if it is missing or damaged
     */
    static TrainerState read(Path checkpoint) {
        Path file = checkpoint.resolve(FILE);
        try {
            TrainerState state = JSON.readValue(Files.readAllBytes(file), TrainerState.class);
            if (state.format != FORMAT) {
                throw new CheckpointException(file, null, "format " + state.format + ", expected " + FORMAT);
            }
            if (state.stage == null || state.data == null || state.recipe == null || state.step < 0) {
                throw new CheckpointException(file, null, "incomplete, expected stage, step, data and recipe");
            }
            return state;
        } catch (JacksonException e) {
            throw new CheckpointException(file, null, "is not the state of a trainer: " + e.getOriginalMessage(), e);
        } catch (NoSuchFileException e) {
            throw new CheckpointException(file, null, "no such file (is it a checkpoint of a training run?)", e);
        } catch (IOException e) {
            throw new CheckpointException(
                    file, null, "cannot be read: " + e.getMessage() + " (is it a checkpoint of a training run?)", e);
        }
    }

    /** What the run began from, if that was not random weights. */
    Optional<Origin> origin(Path checkpoint) {
        JsonNode init = recipe.path("init");
        if (init.isMissingNode() || init.isNull()) {
            return Optional.empty();
        }
        try {
            return Optional.of(JSON.treeToValue(init, Origin.class));
        } catch (JacksonException e) {
            throw new CheckpointException(
                    checkpoint.resolve(FILE), null, "recipe.init: " + e.getOriginalMessage(), e);
        }
    }

    void write(Path checkpoint) {
        Path file = checkpoint.resolve(FILE);
        try {
            AtomicFiles.write(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(this));
        } catch (IOException e) {
            throw new CheckpointException(file, null, "cannot be written: " + e.getMessage(), e);
        }
    }

    /**
     * Fails unless a run with the stage, data and recipe of {@code wanted} can continue from this state.
     *
     * @throws CheckpointException naming every setting that differs
     */
    void requireContinuable(Path checkpoint, TrainerState wanted) {
        List<String> differences = new ArrayList<>();
        compare(differences, "stage", stage, wanted.stage);
        compare(differences, "data", data, wanted.data);
        Map<String, String> here = flat(recipe);
        Map<String, String> there = flat(wanted.recipe);
        TreeMap<String, String> names = new TreeMap<>(here);
        names.putAll(there);
        names.keySet().forEach(name -> compare(differences, name, here.get(name), there.get(name)));
        if (!differences.isEmpty()) {
            throw new CheckpointException(
                    checkpoint.resolve(FILE),
                    null,
                    String.join("; ", differences)
                            + " (a run can only be continued as it was begun; start a new one in another folder)");
        }
    }

    private static void compare(List<String> differences, String name, String here, String wanted) {
        if (here == null || !here.equals(wanted)) {
            differences.add(name + ": " + or(here) + " in the checkpoint, " + or(wanted) + " asked for");
        }
    }

    private static String or(String value) {
        return value == null ? "none" : value;
    }

    private static Map<String, String> flat(JsonNode node) {
        Map<String, String> flat = new TreeMap<>();
        flatten(flat, "", node);
        return flat;
    }

    private static void flatten(Map<String, String> flat, String path, JsonNode node) {
        if (node.isObject() && !node.isEmpty()) {
            node.properties().forEach(p -> flatten(flat, path.isEmpty() ? p.getKey() : path + "." + p.getKey(), p
                    .getValue()));
        } else if (!node.isNull()) { // a setting that a run does not have is one that was not there when it was begun
            flat.put(path, node.toString());
        }
    }
}
