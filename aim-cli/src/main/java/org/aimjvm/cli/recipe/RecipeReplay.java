package org.aimjvm.cli.recipe;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.checkpoint.RecipeStage;
import org.aimjvm.cli.option.RecipeOption;
import org.aimjvm.command.Console;
import org.aimjvm.command.Recipes;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionStrategy;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;

/**
 * Runs a command that was parsed; where it has {@code --recipe}, with the options that the recipe's section has and the
 * command line has not. What the command line has otherwise is said in a line each.
 */
public final class RecipeReplay implements IExecutionStrategy {
    /** Options of which a command takes one: the other is no more wanted when one is given. */
    private static final Map<String, String> INSTEAD = Map.of("steps", "epochs", "epochs", "steps");

    private final Console console;

    public RecipeReplay(Console console) {
        this.console = console;
    }

    @Override
    public int execute(ParseResult parsed) {
        ParseResult leaf = Commands.leaf(parsed);
        if (!leaf.hasMatchedOption(RecipeOption.NAME)) {
            return new RunLast().execute(parsed);
        }
        String file = leaf.matchedOptionValue(RecipeOption.NAME, "");
        List<String> words = new ArrayList<>(parsed.originalArgs());
        try {
            words.addAll(missing(leaf, file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(leaf.commandSpec().commandLine(), RecipeOption.NAME + ": " + e.getMessage(),
                    e);
        }
        CommandLine root = parsed.commandSpec().commandLine();
        root.parseArgs(words.toArray(String[]::new));
        return new RunLast().execute(root.getParseResult());
    }

    /** The words of the recipe's settings that the command line has not. */
    private List<String> missing(ParseResult leaf, String file) throws IOException {
        CommandSpec command = leaf.commandSpec();
        List<String> name = List.of(command.qualifiedName(" ").split(" "));
        Section section = Section.ofCommand(name.subList(1, name.size())).orElseThrow();
        Map<String, Object> given = Recipes.options(command);
        Map<String, Setting> wanted = new LinkedHashMap<>();
        settings(file, section).forEach((option, setting) -> {
            OptionSpec spec = command.findOption("--" + option);
            String other = INSTEAD.get(option);
            if (spec != null && leaf.hasMatchedOption(spec)) {
                sayOverridden(command, option, RecipeStage.text(given.getOrDefault(option, "true")), setting);
            } else if (other != null && leaf.hasMatchedOption("--" + other)) {
                say(command, "--" + other + " " + RecipeStage.text(given.get(other)), "--" + option, setting);
            } else if (!requirePath(spec, option, setting, isFile(file))) {
                wanted.put(option, setting);
            }
        });
        return SettingWords.of(command, wanted);
    }

    private void sayOverridden(CommandSpec command, String option, String value, Setting setting) {
        if (!option.equals("data") && !SettingWords.isSame(value, setting.text())) {
            say(command, "--" + option + " " + value, "", setting);
        }
    }

    private void say(CommandSpec command, String given, String option, Setting setting) {
        String was = (option + " " + setting.text()).strip();
        console.err().println(command.qualifiedName(" ").replaceFirst(" ", ": ") + ": " + given + " instead of " + was
                + " (" + setting.where() + ")");
    }

    /** Fails if a value is the last name of a path, which is not enough to find it. */
    private static boolean requirePath(OptionSpec spec, String option, Setting setting, boolean ofFile) {
        if (spec == null || ofFile || !Recipes.isPath(spec, setting.text())
                || ModelFolder.embedded().contains(setting.text())) {
            return false;
        }
        throw new IllegalArgumentException(setting.where() + " has --" + option + " " + setting.text()
                + ", of which models keep the last name only (give --" + option + " with its path)");
    }

    private static boolean isFile(String file) {
        String name = file.toLowerCase(Locale.ROOT);
        return name.endsWith(".yaml") || name.endsWith(".yml");
    }

    private static Map<String, Setting> settings(String file, Section section) throws IOException {
        if (isFile(file)) {
            Map<String, Setting> settings = RecipeFile.read(Path.of(file)).section(section)
                    .orElseThrow(() -> new IllegalArgumentException(file + ": no section " + section.key()));
            settings.forEach((name, setting) -> {
                if (section.isSetByRun(name)) {
                    throw setting.wrong(section.key() + "." + name + ": given in a recipe (give it as an option)");
                }
            });
            return settings;
        }
        RecipeStage stage = section.stage().flatMap(ModelRecipes.read(file)::last)
                .orElseThrow(() -> new IllegalArgumentException(file + ": its recipe has no stage "
                        + section.stage().orElseThrow() + " (expected one, see 'aim recipe show')"));
        Map<String, Setting> settings = new LinkedHashMap<>();
        stage.options().forEach((name, value) -> settings.put(name, new Setting(
                value instanceof List<?> list
                        ? list.stream().map(String::valueOf).toList()
                        : List.of(RecipeStage.text(value)),
                value instanceof List, file)));
        return settings;
    }
}
