package org.aimjvm.cli.recipe;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.checkpoint.RecipeStage;
import tools.jackson.databind.json.JsonMapper;

/** A model's recipe as the text of a {@link RecipeFile}. */
public final class RecipeYaml {
    /** Texts that no reader of YAML takes for anything but a text. */
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z][A-Za-z0-9_./-]*");
    private static final Pattern WORD = Pattern.compile("(?i)true|false|null|yes|no|on|off|y|n");
    private static final Pattern NUMBER = Pattern.compile("-?\\d+(\\.\\d+)?");

    private RecipeYaml() {}

    /**
     * The text.
     *
     * @param name of the model
     * @throws IllegalArgumentException if the recipe has no stage that a file can have
     */
    public static String of(String name, Recipe recipe) {
        Map<Section, RecipeStage> stages = new EnumMap<>(Section.class);
        for (Section section : Section.values()) {
            section.stage().flatMap(recipe::last).ifPresent(stage -> stages.put(section, stage));
        }
        if (stages.isEmpty()) {
            throw new IllegalArgumentException(name + ": "
                    + (recipe.isEmpty() ? "no recipe" : "a recipe in words alone, which 'aim info' prints")
                    + " (expected a model that aim train made)");
        }
        StringBuilder text = new StringBuilder();
        recipe.text().lines().forEach(line -> text.append("# ").append(line).append('\n'));
        text.append("version: ").append(RecipeFile.VERSION).append("\nname: ").append(scalar(name)).append('\n');
        pictures(text, stages);
        stages.forEach((section, stage) -> section(text, section, stage));
        return text.toString();
    }

    private static void pictures(StringBuilder text, Map<Section, RecipeStage> stages) {
        text.append("\ndata:\n");
        stages.entrySet().stream().filter(e -> e.getKey() != Section.MODEL && e.getValue().data() != null).findFirst()
                .ifPresent(e -> {
                    RecipeStage.Data data = e.getValue().data();
                    text.append("  # ").append(data.name()).append(": ").append(data.pictures())
                            .append(" pictures of ").append(data.classes()).append(" classes, fingerprint ")
                            .append(data.fingerprint()).append(", to be named by --data\n");
                });
        text.append("  kind: folder\n");
    }

    private static void section(StringBuilder text, Section section, RecipeStage stage) {
        text.append('\n').append(section.key()).append(": # ").append(stage.command()).append(" of AiM ")
                .append(stage.version()).append('\n');
        if (stage.begunFrom() != null) {
            text.append("  # ").append(section == Section.DECODER ? "model" : "init")
                    .append(": SHA-256 of the weights ").append(stage.begunFrom().sha256()).append('\n');
        }
        boolean any = false;
        for (Map.Entry<String, Object> option : stage.options().entrySet()) {
            if (!section.isSetByRun(option.getKey())) {
                text.append("  ").append(option.getKey()).append(": ").append(value(option.getValue())).append('\n');
                any = true;
            }
        }
        if (!any) {
            text.append("  {}\n");
        }
    }

    private static String value(Object value) {
        return switch (value) {
            case List<?> list -> "[" + String.join(", ", list.stream().map(v -> scalar((String) v)).toList()) + "]";
            case String s -> scalar(s);
            default -> RecipeStage.text(value);
        };
    }

    /** A text, in quotes where it could be taken for something else; every text of JSON is one of YAML. */
    private static String scalar(String text) {
        boolean plain = PLAIN.matcher(text).matches() && !WORD.matcher(text).matches()
                || NUMBER.matcher(text).matches();
        return plain ? text : JsonMapper.shared().writeValueAsString(text);
    }
}
