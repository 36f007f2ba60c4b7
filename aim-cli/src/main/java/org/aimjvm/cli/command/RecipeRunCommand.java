package org.aimjvm.cli.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.aimjvm.cli.recipe.Commands;
import org.aimjvm.cli.recipe.RecipeFile;
import org.aimjvm.cli.recipe.RecipeRun;
import org.aimjvm.cli.recipe.RunPlan;
import org.aimjvm.cli.recipe.Section;
import org.aimjvm.command.Console;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code aim recipe run}: from data to a judged model. */
@Command(
        name = "run",
        description = "Make a model by a recipe: data, tokenizer, codes, sequence model, export, judge, evaluation.",
        sortOptions = false,
        footer = {"",
            "Called again, it leaves what has finished and goes on with what was cut short; it refuses a folder in which a"
                    + " stage was made by another recipe. Ctrl-C ends it with a checkpoint."})
final class RecipeRunCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "FILE", description = "The recipe.") private Path file;

    @Option(
            names = {"-o", "--out"},
            required = true,
            paramLabel = "DIR",
            description = "Folder of the run: data, vq, codes, lm, model, judge and report in it.") private Path out;

    @Option(names = "--data", paramLabel = "DIR",
            description = "Pictures to train on, instead of those the recipe makes or names.") private Path data;

    @Option(names = "--val", paramLabel = "DIR", description = "Pictures to validate on.") private Path val;

    @Option(names = "--only", paramLabel = "SECTION",
            description = "Run this section alone: ${COMPLETION-CANDIDATES}.") private Section only;

    @Option(
            names = "--set",
            paramLabel = "SECTION.OPTION=VALUE",
            description = "Change the recipe, e.g. --set tokenizer.steps=100; may be given several times.") private List<
                    String> settings;

    @Option(names = "--device", paramLabel = "DEVICE",
            description = "As of the commands that compute.") private String device;

    @Option(names = "--backend", paramLabel = "NAME",
            description = "As of the commands that compute.") private String backend;

    @Option(names = "--threads", paramLabel = "N",
            description = "As of the commands that compute.") private Integer threads;

    private final Console console;

    RecipeRunCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException {
        if (Files.exists(out) && !Files.isDirectory(out)) {
            throw new ParameterException(spec.commandLine(), "--out: " + out + " is a file, expected a folder");
        }
        RecipeFile recipe = RecipeFile.read(file);
        for (String assignment : settings == null ? List.<String>of() : settings) {
            recipe = recipe.with(assignment);
        }
        Commands commands = new Commands(new CliCommands().commands());
        RunPlan plan = new RunPlan(recipe, out, data, val, compute(), commands, console);
        return new RecipeRun(plan, commands, console).run(only);
    }

    private List<String> compute() {
        List<String> words = new ArrayList<>();
        if (device != null) {
            words.add("--device=" + device);
        }
        if (backend != null) {
            words.add("--backend=" + backend);
        }
        if (threads != null) {
            words.add("--threads=" + threads);
        }
        return words;
    }
}
