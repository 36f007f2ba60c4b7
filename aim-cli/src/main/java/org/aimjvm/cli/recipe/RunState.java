package org.aimjvm.cli.recipe;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.aimjvm.checkpoint.RecipeStage;
import org.aimjvm.cli.recipe.RunPlan.Stage;
import org.aimjvm.command.OutputPaths;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.JsonObject;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Which stages of a run have begun and finished, and by what they were decided; a file in the folder of the run. */
final class RunState {
    private static final String FILE = "stages.json";

    /** A stage that has begun. */
    private record Begun(boolean finished, Map<String, Object> decidedBy) {}

    private final Path file;
    private final Map<Section, Begun> stages = new EnumMap<>(Section.class);

    private RunState(Path file) {
        this.file = file;
    }

    /**
     * The state of the run in a folder, which need not be there.
     *
     * @throws CheckpointException if the file is damaged
     */
    static RunState read(Path folder) throws IOException {
        RunState state = new RunState(folder.resolve(FILE));
        if (!Files.exists(state.file)) {
            return state;
        }
        JsonObject json = JsonObject.parse(Files.readString(state.file), state.file);
        try {
            for (String key : json.keys()) {
                Section section = Section.of(key).orElseThrow(() -> new IllegalArgumentException(
                        key + ": unknown section (expected one of " + Section.keys() + ")"));
                JsonObject stage = json.object(key);
                stage.onlyKnown(Set.of("finished", "decided_by"));
                state.stages.put(section, new Begun(
                        stage.bool("finished", false), RecipeStage.options(stage.object("decided_by"))));
            }
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(state.file, null, e.getMessage(), e);
        }
        return state;
    }

    boolean hasBegun(Section section) {
        return stages.containsKey(section);
    }

    boolean hasFinished(Section section) {
        return hasBegun(section) && stages.get(section).finished;
    }

    /** The first thing that would decide a stage otherwise than it did, with both values; empty if nothing would. */
    Optional<String> difference(Stage stage) {
        Map<String, Object> was = stages.get(stage.section()).decidedBy;
        Map<String, Object> wanted = stage.decidedBy();
        Set<String> names = new LinkedHashSet<>(wanted.keySet());
        names.addAll(was.keySet());
        return names.stream().filter(n -> !String.valueOf(wanted.get(n)).equals(String.valueOf(was.get(n)))).findFirst()
                .map(n -> n + " " + was.getOrDefault(n, "unset") + ", expected "
                        + wanted.getOrDefault(n, "unset"));
    }

    void begin(Stage stage) throws IOException {
        put(stage, false);
    }

    void finish(Stage stage) throws IOException {
        put(stage, true);
    }

    private void put(Stage stage, boolean finished) throws IOException {
        stages.put(stage.section(), new Begun(finished, stage.decidedBy()));
        ObjectNode json = JsonMapper.shared().createObjectNode();
        stages.forEach((section, begun) -> {
            ObjectNode n = json.putObject(section.key());
            n.put("finished", begun.finished);
            n.set("decided_by", JsonMapper.shared().valueToTree(begun.decidedBy));
        });
        OutputPaths.write(file, (json.toPrettyString() + "\n").getBytes(StandardCharsets.UTF_8));
    }
}
