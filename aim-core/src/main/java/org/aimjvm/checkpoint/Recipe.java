package org.aimjvm.checkpoint;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.JsonObject;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/**
 * How a model was made: the stages that made it, in order. In JSON an object of {@code version}, {@code stages} and, if
 * there is any, {@code text}; of words alone a text, as early versions of this library wrote it.
 *
 * @param text what is told in words of what came before the stages; may be empty
 * @param stages in the order in which they ran
 */
public record Recipe(String text, List<RecipeStage> stages) {
    /** Version of this form. */
    public static final int VERSION = 1;
    /** Nothing is known. */
    public static final Recipe NONE = new Recipe("", List.of());

    private static final Set<String> KEYS = Set.of("version", "text", "stages");

    public Recipe {
        Objects.requireNonNull(text, "text");
        stages = List.copyOf(stages);
    }

    /** A recipe told in words. */
    public static Recipe text(String text) {
        return text.isEmpty() ? NONE : new Recipe(text, List.of());
    }

    /** Whether nothing is known. */
    public boolean isEmpty() {
        return text.isEmpty() && stages.isEmpty();
    }

    /** This and one more stage. */
    public Recipe then(RecipeStage stage) {
        return then(new Recipe("", List.of(stage)));
    }

    /** This and what came later; what both have is there once. */
    public Recipe then(Recipe later) {
        Set<String> lines = new LinkedHashSet<>(text.lines().toList());
        lines.addAll(later.text.lines().toList());
        Set<RecipeStage> all = new LinkedHashSet<>(stages);
        all.addAll(later.stages);
        return new Recipe(String.join("\n", lines), new ArrayList<>(all));
    }

    /** The last stage of this name. */
    public Optional<RecipeStage> last(String stage) {
        return stages.reversed().stream().filter(s -> s.stage().equals(stage)).findFirst();
    }

    /** For people, line by line: the words, then the command of each stage. */
    public List<String> lines() {
        return Stream.concat(text.lines(), stages.stream().flatMap(Recipe::lines)).toList();
    }

    private static Stream<String> lines(RecipeStage stage) {
        List<String> lines = new ArrayList<>();
        if (stage.begunFrom() != null) {
            lines.add("# " + stage.begunFrom().name() + ": SHA-256 of the weights " + stage.begunFrom().sha256());
        }
        if (stage.data() != null) {
            lines.add("# " + stage.data().name() + ": " + stage.data().pictures() + " pictures of "
                    + stage.data().classes() + " classes, fingerprint " + stage.data().fingerprint());
        }
        lines.add(stage.commandLine());
        return lines.stream();
    }

    /** This as a value of JSON, for {@link #of}. */
    public String toJson() {
        return toNode().toString();
    }

    JsonNode toNode() {
        if (stages.isEmpty()) {
            return StringNode.valueOf(text);
        }
        ObjectNode n = JsonMapper.shared().createObjectNode();
        n.put("version", VERSION);
        if (!text.isEmpty()) {
            n.put("text", text);
        }
        ArrayNode list = n.putArray("stages");
        stages.forEach(s -> list.add(s.toJson()));
        return n;
    }

    /**
     * The value of a key: an object, a text, or {@link #NONE} if it is not there.
     *
     * @throws IllegalArgumentException if it is neither, of another version, or a value has the wrong type
     */
    public static Recipe of(JsonObject n, String key) {
        if (!n.hasObject(key)) {
            return text(n.text(key, ""));
        }
        JsonObject o = n.object(key);
        int version = o.integer("version", 0);
        if (version != VERSION) {
            throw new IllegalArgumentException(key + ": version " + version + " (expected " + VERSION
                    + "; read it with the version of AiM that wrote it, or delete the key " + key + ")");
        }
        o.onlyKnown(KEYS);
        return new Recipe(o.text("text", ""), o.objects("stages").stream().map(RecipeStage::parse).toList());
    }

    /**
     * A recipe from a file of its own, whose text {@link #toFile} made.
     *
     * @param where the file, for messages
     * @throws CheckpointException if it is not JSON, of another version, or a value has the wrong type
     */
    public static Recipe parse(String json, Path where) {
        try {
            return of(JsonObject.parse(json, where), "recipe");
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(where, null, e.getMessage(), e);
        }
    }

    /** Text of a file for this recipe alone. */
    public String toFile() {
        ObjectNode n = JsonMapper.shared().createObjectNode();
        n.set("recipe", toNode());
        return n.toPrettyString() + "\n";
    }
}
