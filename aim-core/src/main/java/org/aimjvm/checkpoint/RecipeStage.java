package org.aimjvm.checkpoint;

import java.math.BigDecimal;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.aimjvm.io.JsonObject;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * One command of those that made a model, with all that decides its numbers.
 *
 * @param stage what it made: {@link #TOKENIZER}, {@link #CODES}, {@link #MODEL}, {@link #DECODER}, {@link #CLASSIFIER}, or another word
 * @param command e.g. {@code aim train vq}
 * @param options values by the long names of options without dashes, defaults included: {@link Boolean}, {@link Long},
 *     {@link Double}, {@link String}, or a list of texts. Of a path only the last name is kept
 * @param data what it was trained on, {@code null} if nothing or not known
 * @param begunFrom the model that it began from, {@code null} for random weights
 * @param version of this library
 */
public record RecipeStage(
        String stage, String command, Map<String, Object> options, Data data, BegunFrom begunFrom, String version) {
    /** The picture tokenizer, stage 1. */
    public static final String TOKENIZER = "vq";
    /** Codes of the pictures. */
    public static final String CODES = "codes";
    /** The sequence model, stage 2. */
    public static final String MODEL = "lm";
    /** The tokenizer's decoder again, after stage 2. */
    public static final String DECODER = "decoder";
    /** A classifier of pictures. */
    public static final String CLASSIFIER = "classifier";

    private static final Set<String> KEYS = Set.of("stage", "command", "aim", "options", "data", "begun_from");
    private static final Set<String> DATA_KEYS = Set.of("name", "fingerprint", "pictures", "classes");
    private static final Set<String> BEGUN_FROM_KEYS = Set.of("name", "sha256", "taken");

    /**
     * What a stage was trained on.
     *
     * @param name last name of the path
     * @param fingerprint of labels and contents
     * @param pictures how many
     * @param classes how many
     */
    public record Data(String name, String fingerprint, int pictures, int classes) {
        public Data {
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(fingerprint, "fingerprint");
            if (pictures < 0 || classes < 0) {
                throw new IllegalArgumentException("data: " + pictures + " pictures of " + classes
                        + " classes (expected no negative numbers)");
            }
        }
    }

    /**
     * A model that a stage began from.
     *
     * @param name an embedded model's name, or the last name of a path
     * @param sha256 of its weights
     * @param taken what was taken of it, in words; may be empty
     */
    public record BegunFrom(String name, String sha256, String taken) {
        public BegunFrom {
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(sha256, "sha256");
            Objects.requireNonNull(taken, "taken");
        }
    }

    public RecipeStage {
        Objects.requireNonNull(command, "command");
        Objects.requireNonNull(version, "version");
        if (stage.isBlank()) {
            throw new IllegalArgumentException("recipe: a stage without a name (expected e.g. vq or lm)");
        }
        Map<String, Object> copy = new LinkedHashMap<>();
        options.forEach((name, value) -> copy.put(name, checked(name, value)));
        options = Collections.unmodifiableMap(copy);
    }

    private static Object checked(String name, Object value) {
        return switch (value) {
            case Boolean b -> b;
            case Long l -> l;
            case Double d -> d;
            case String s -> s;
            case List<?> list when list.stream().allMatch(String.class::isInstance) -> List.copyOf(list);
            case null, default -> throw new IllegalArgumentException("recipe: option " + name + ": " + value
                    + " (expected true, false, a number, a text or a list of texts)");
        };
    }

    /** The command line, for people: flags that are off are left out, and so is where it wrote to. */
    public String commandLine() {
        StringBuilder line = new StringBuilder(command);
        options.forEach((name, value) -> {
            if (value.equals(false)) {
                return;
            }
            line.append(" --").append(name);
            if (!value.equals(true)) {
                line.append(' ').append(text(value));
            }
        });
        return line.toString();
    }

    /** A value as the command line takes it: elements of a list separated by commas, 0.001 for a thousandth. */
    public static String text(Object value) {
        return switch (value) {
            case List<?> list -> String.join(",", list.stream().map(String::valueOf).toList());
            case Double d when Double.isFinite(d) -> {
                BigDecimal number = BigDecimal.valueOf(d).stripTrailingZeros();
                yield number.scale() <= 12 ? number.toPlainString() : number.toString();
            }
            default -> value.toString();
        };
    }

    ObjectNode toJson() {
        ObjectNode n = JsonMapper.shared().createObjectNode();
        n.put("stage", stage).put("command", command).put("aim", version);
        n.set("options", toJson(options));
        if (data != null) {
            n.putObject("data").put("name", data.name).put("fingerprint", data.fingerprint)
                    .put("pictures", data.pictures).put("classes", data.classes);
        }
        if (begunFrom != null) {
            n.putObject("begun_from").put("name", begunFrom.name).put("sha256", begunFrom.sha256)
                    .put("taken", begunFrom.taken);
        }
        return n;
    }

    private static ObjectNode toJson(Map<String, Object> options) {
        ObjectNode o = JsonMapper.shared().createObjectNode();
        options.forEach((name, value) -> {
            switch (value) {
                case Boolean b -> o.put(name, b);
                case Long l -> o.put(name, l);
                case Double d -> o.put(name, d);
                case List<?> list -> {
                    ArrayNode array = o.putArray(name);
                    list.forEach(v -> array.add((String) v));
                }
                default -> o.put(name, (String) value);
            }
        });
        return o;
    }

    /**
     * Values of options, as {@link #options} has them, from an object with a member for each.
     *
     * @throws IllegalArgumentException naming a member that is no such value
     */
    public static Map<String, Object> options(JsonObject n) {
        Map<String, Object> options = new LinkedHashMap<>();
        n.keys().forEach(key -> options.put(key, n.plain(key)));
        return options;
    }

    /** @throws IllegalArgumentException naming what is wrong */
    static RecipeStage parse(JsonObject n) {
        n.onlyKnown(KEYS);
        Data data = null;
        if (n.has("data")) {
            JsonObject d = n.object("data");
            d.onlyKnown(DATA_KEYS);
            data = new Data(d.text("name", ""), d.text("fingerprint", ""), d.integer("pictures", 0),
                    d.integer("classes", 0));
        }
        BegunFrom begunFrom = null;
        if (n.has("begun_from")) {
            JsonObject b = n.object("begun_from");
            b.onlyKnown(BEGUN_FROM_KEYS);
            begunFrom = new BegunFrom(b.text("name", ""), b.text("sha256", ""), b.text("taken", ""));
        }
        Map<String, Object> options = n.has("options") ? options(n.object("options")) : Map.of();
        return new RecipeStage(
                n.text("stage", ""), n.text("command", ""), options, data, begunFrom, n.text("aim", ""));
    }
}
