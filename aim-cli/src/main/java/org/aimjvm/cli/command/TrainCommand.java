package org.aimjvm.cli.command;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code aim train}: the parent of what can be trained. */
@Command(
        name = "train",
        description = "Train a model: first the tokenizer (vq), then the sequence model (lm), then the tokenizer's decoder"
                + " again (decoder).",
        subcommands = {TrainVqCommand.class, TrainLmCommand.class, TrainDecoderCommand.class,
            TrainClassifierCommand.class})
public final class TrainCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "stage: none given, expected one of "
                + String.join(", ", spec.subcommands().keySet()));
    }
}
