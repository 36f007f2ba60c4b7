package org.aimjvm.cli.command;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code aim data}: the parent of the commands that fetch or draw data sets. */
@Command(
        name = "data",
        description = "Fetch or draw a data set.",
        subcommands = {FashionMnistCommand.class, AvatarsCommand.class})
public final class DataCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "data set: none given, expected one of "
                + String.join(", ", spec.subcommands().keySet()));
    }
}
