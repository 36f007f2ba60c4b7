package org.aimjvm.cli.command;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.aimjvm.cli.recipe.ModelRecipes;
import org.aimjvm.cli.recipe.RecipeYaml;
import org.aimjvm.command.Console;
import org.aimjvm.command.ExitCode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code aim recipe show}: a model's recipe as a file. */
@Command(
        name = "show",
        description = "Print a model's recipe as a file for 'aim recipe run' (which then wants --data: models do not tell"
                + " where pictures are).")
final class RecipeShowCommand implements Callable<Integer> {
    @Parameters(
            paramLabel = "MODEL",
            description = "Model folder, its aim.json, file of weights, classifier's folder, or name of an embedded model.") private String model;

    private final Console console;

    RecipeShowCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException {
        String name = String.valueOf(Path.of(model).getFileName());
        console.out().print(RecipeYaml.of(name, ModelRecipes.read(model)));
        return ExitCode.OK;
    }
}
