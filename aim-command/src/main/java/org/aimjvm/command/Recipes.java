package org.aimjvm.command;

import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Field;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.aimjvm.checkpoint.RecipeStage;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** What a command that was parsed tells a recipe: all options that decide its numbers, whatever they are. */
public final class Recipes {
    /** Between the kind and the path of a value such as {@code features=DIR}. */
    private static final char KIND_END = '=';

    private static final Set<Class<?>> WHOLE = Set.of(int.class, Integer.class, long.class, Long.class);
    private static final Set<Class<?>> FRACTION = Set.of(float.class, Float.class, double.class, Double.class);

    private Recipes() {}

    /**
     * The stage that a command is.
     *
     * @param stage what it makes, see {@link RecipeStage#stage}
     * @param data what it works on, {@code null} if nothing
     * @param begunFrom what it begins from, {@code null} for random weights
     */
    public static RecipeStage stage(
            CommandSpec command, String stage, RecipeStage.Data data, RecipeStage.BegunFrom begunFrom) {
        return new RecipeStage(
                stage, command.qualifiedName(" "), options(command), data, begunFrom, Version.aim());
    }

    /** The options of a parsed command that decide its numbers, by long names without dashes, defaults included. */
    public static Map<String, Object> options(CommandSpec command) {
        Map<String, Object> options = new LinkedHashMap<>();
        for (OptionSpec option : command.options()) {
            Object value = isRecorded(option) ? value(command, option) : null;
            if (value != null) {
                options.put(name(option), value);
            }
        }
        return options;
    }

    /** An option's long name without dashes. */
    public static String name(OptionSpec option) {
        return option.longestName().replaceFirst("^-+", "");
    }

    /** Whether an option decides numbers, so that recipes have it. */
    public static boolean isRecorded(OptionSpec option) {
        return !option.usageHelp() && !option.versionHelp() && mark(option) != Recorded.As.NOTHING;
    }

    /** Whether recipes have only the last name of this value, which then cannot be found again without its path. */
    public static boolean isPath(OptionSpec option, Object value) {
        Recorded.As mark = mark(option);
        return option.type() == Path.class
                || mark == Recorded.As.LAST_NAME
                || mark == Recorded.As.KIND_AND_LAST_NAME && value.toString().indexOf(KIND_END) >= 0;
    }

    /**
     * The value of a parsed option as a recipe has it, see {@link RecipeStage#options}; {@code null} if it has none.
     */
    static Object value(CommandSpec command, OptionSpec option) {
        boolean given = command.commandLine().getParseResult().hasMatchedOption(option);
        if (option.arity().max() == 0) {
            return Boolean.TRUE.equals(option.getValue());
        }
        List<String> words = given ? option.originalStringValues()
                : option.defaultValue() != null ? List.of(option.defaultValue())
                // a default that hangs on other options, which the command has filled in
                : option.getValue() instanceof Number filled ? List.of(filled.toString()) : List.of();
        if (words.isEmpty()) {
            return null;
        }
        String text = String.join(",", words);
        if (option.isMultiValue()) {
            return List.of(text.split(","));
        }
        return typed(option, text);
    }

    private static Object typed(OptionSpec option, String text) {
        Class<?> type = option.type();
        if (WHOLE.contains(type)) {
            return Long.valueOf(text);
        }
        if (FRACTION.contains(type)) {
            return Double.valueOf(text);
        }
        if (type == boolean.class || type == Boolean.class) {
            return Boolean.valueOf(text);
        }
        if (type.isEnum()) {
            return text.toLowerCase(Locale.ROOT);
        }
        return isPath(option, text) ? lastName(option, text) : text;
    }

    private static String lastName(OptionSpec option, String text) {
        int kind = mark(option) == Recorded.As.KIND_AND_LAST_NAME ? text.indexOf(KIND_END) + 1 : 0;
        return text.substring(0, kind) + Path.of(text.substring(kind)).getFileName();
    }

    private static Recorded.As mark(OptionSpec option) {
        if (!(option.userObject() instanceof Field field)) {
            return null;
        }
        for (AnnotatedElement place : List.of(field, field.getDeclaringClass())) {
            Recorded mark = place.getAnnotation(Recorded.class);
            if (mark != null) {
                return mark.value();
            }
        }
        return null;
    }
}
