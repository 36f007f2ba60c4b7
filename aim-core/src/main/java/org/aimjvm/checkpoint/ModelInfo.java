package org.aimjvm.checkpoint;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.JsonObject;
import org.aimjvm.model.PositionRule;
import org.aimjvm.sample.Guidance;
import org.aimjvm.sample.SamplingOptions;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A description of a model, which this library keeps beside it in {@code aim.json}; the published files know nothing of
 * it and every key is optional.
 *
 * @param classNames names by label; empty if there are none (classes)
 * @param positions the rule the weights were trained under (position_rule)
 * @param guidance how pictures are guided unless the caller says otherwise (defaults)
 * @param sampling how codes are drawn unless the caller says otherwise (defaults)
 * @param recipe how the model was made (recipe)
 */
public record ModelInfo(
        List<String> classNames, PositionRule positions, Guidance guidance, SamplingOptions sampling, Recipe recipe) {
    /** Name of the file. */
    public static final String FILE = "aim.json";
    /** What holds for a folder without that file: the published checkpoints. */
    public static final ModelInfo PUBLISHED =
            new ModelInfo(List.of(), PositionRule.SEQUENCE_INDEX, Guidance.PUBLISHED, SamplingOptions.PLAIN,
                    Recipe.NONE);

    public ModelInfo {
        classNames = List.copyOf(classNames);
        Objects.requireNonNull(positions, "positions");
        Objects.requireNonNull(guidance, "guidance");
        Objects.requireNonNull(sampling, "sampling");
        Objects.requireNonNull(recipe, "recipe");
    }

    /** A model's classes and recipe, with the published guidance and plain sampling. */
    public static ModelInfo of(List<String> classNames, PositionRule positions, Recipe recipe) {
        return new ModelInfo(classNames, positions, Guidance.PUBLISHED, SamplingOptions.PLAIN, recipe);
    }

    /** The same with other names of the classes. */
    public ModelInfo withClassNames(List<String> names) {
        return new ModelInfo(names, positions, guidance, sampling, recipe);
    }

    /**
     * Parses the file.
     *
     * @param where the file, for messages
     * @throws CheckpointException if it is not JSON or a value has the wrong type or range
     */
    public static ModelInfo parse(String json, Path where) {
        JsonObject n = JsonObject.parse(json, where);
        try {
            Guidance guidance = Guidance.PUBLISHED;
            SamplingOptions sampling = SamplingOptions.PLAIN;
            if (n.has("defaults")) {
                JsonObject o = n.object("defaults");
                float scale = o.floatNumber("cfg_scale", guidance.first());
                guidance = new Guidance(scale, o.floatNumber("cfg_scale_end", scale));
                sampling = new SamplingOptions(
                        o.floatNumber("temperature", sampling.temperature()),
                        o.integer("top_k", sampling.topK()),
                        o.floatNumber("top_p", sampling.topP()),
                        o.floatNumber("min_p", sampling.minP()));
            }
            return new ModelInfo(
                    n.texts("classes", List.of()), rule(n.text("position_rule", "sequence_index")), guidance, sampling,
                    Recipe.of(n, "recipe"));
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(where, null, e.getMessage(), e);
        }
    }

    private static PositionRule rule(String name) {
        for (PositionRule r : PositionRule.values()) {
            if (r.name().toLowerCase(Locale.ROOT).equals(name)) {
                return r;
            }
        }
        throw new IllegalArgumentException(
                "position_rule: " + name + " (expected sequence_index or published_training)");
    }

    /** This as JSON. */
    public String toJson() {
        JsonMapper mapper = new JsonMapper();
        ObjectNode n = mapper.createObjectNode();
        ArrayNode classes = n.putArray("classes");
        classNames.forEach(classes::add);
        n.put("position_rule", positions.name().toLowerCase(Locale.ROOT));
        ObjectNode d = n.putObject("defaults");
        d.put("cfg_scale", guidance.first());
        if (guidance.last() != guidance.first()) {
            d.put("cfg_scale_end", guidance.last());
        }
        d.put("temperature", sampling.temperature());
        d.put("top_k", sampling.topK());
        d.put("top_p", sampling.topP());
        d.put("min_p", sampling.minP());
        n.set("recipe", recipe.toNode());
        return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(n) + "\n";
    }

    /**
     * The label of a class given as its name or number. A name is taken exactly as it is if there is one; else without
     * regard to case, punctuation and spaces.
     *
     * @param numClasses classes of the model
     * @throws IllegalArgumentException if there is none, naming those there are, or if several fit, naming these
     */
    public int label(String text, int numClasses) {
        return new ClassNames(classNames, numClasses).label(text);
    }

    /**
     * The labels of several classes, as {@link #label} finds each, separated by commas; {@code all} is all of them. A
     * name that has commas of its own is found before the text is taken apart.
     *
     * @param numClasses classes of the model
     * @throws IllegalArgumentException if there is no such class, or if several fit, naming them
     */
    public List<Integer> labels(String text, int numClasses) {
        return new ClassNames(classNames, numClasses).labels(text);
    }

    /** Name of a class, or its number if it has none. */
    public String className(int label) {
        return label < classNames.size() ? classNames.get(label) : Integer.toString(label);
    }
}
