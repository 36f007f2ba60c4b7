package org.aimjvm.cli.command;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code aim recipe}: the parent of what can be done with recipes. */
@Command(
        name = "recipe",
        description = "Make a model from data to judgement by one file, or see how a model was made.",
        subcommands = {RecipeRunCommand.class, RecipeCheckCommand.class, RecipeShowCommand.class})
final class RecipeCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "action: none given, expected one of "
                + String.join(", ", spec.subcommands().keySet()));
    }
}
