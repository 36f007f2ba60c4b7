package org.aimjvm.cli.command;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.aimjvm.cli.recipe.Commands;
import org.aimjvm.cli.recipe.RecipeFile;
import org.aimjvm.cli.recipe.RunPlan;
import org.aimjvm.command.Console;
import org.aimjvm.command.ExitCode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code aim recipe check}: whether a file can be run. */
@Command(
        name = "check",
        description = "Check a recipe without running it: version, sections, names and types of options.")
final class RecipeCheckCommand implements Callable<Integer> {
    /** Stands for the folders of a run that is not to be. */
    private static final Path NOWHERE = Path.of("run");

    private static final Path PICTURES = Path.of("pictures");

    @Parameters(paramLabel = "FILE", description = "The recipe.") private Path file;

    private final Console console;

    RecipeCheckCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException {
        RecipeFile recipe = RecipeFile.read(file);
        Commands commands = new Commands(new CliCommands().commands());
        RunPlan plan = new RunPlan(
                recipe, NOWHERE, RunPlan.needsPictures(recipe) ? PICTURES : null, null, List.of(), commands, console);
        plan.commandLines().forEach(console.out()::println);
        return ExitCode.OK;
    }
}
