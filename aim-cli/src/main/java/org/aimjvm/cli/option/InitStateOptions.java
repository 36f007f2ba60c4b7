package org.aimjvm.cli.option;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.aimjvm.checkpoint.WeightsCopy;
import org.aimjvm.command.Console;
import org.aimjvm.io.TensorSource;
import org.aimjvm.train.StartState;
import org.aimjvm.train.VqTrainer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What a tokenizer's training takes of an earlier one beside the tokenizer; a mixin. */
public final class InitStateOptions {
    @Spec(Spec.Target.MIXEE) private CommandSpec command;

    @Option(
            names = "--init-optimizer",
            description = "Take over the optimiser's state of the training checkpoint --init too (and that of its discriminator), "
                    + "with the weights as trained.") private boolean optimizer;

    @Option(
            names = "--new-discriminator",
            description = "Begin with a new discriminator though --init holds one.") private boolean newDiscriminator;

    /** Complains about options without those they belong to. */
    public void check(InitOptions init) {
        if (!init.given() && (optimizer || newDiscriminator)) {
            throw usage((optimizer ? "--init-optimizer" : "--new-discriminator")
                    + ": given without --init (expected both, or none)");
        }
        if (optimizer && init.copy() == WeightsCopy.EMA) {
            throw usage(
                    "--init-optimizer: given with --init-weights ema (expected model: the state is that of the weights"
                            + " as trained)");
        }
    }

    /** Which copy of the weights is meant where the user leaves it open. */
    public WeightsCopy copy(InitOptions init) {
        return optimizer && init.copy() == WeightsCopy.ANY ? WeightsCopy.MODEL : init.copy();
    }

    /** What tells these choices apart, for the origin of a run. */
    public String[] taken() {
        List<String> words = new ArrayList<>();
        if (optimizer) {
            words.add("optimizer");
        }
        if (newDiscriminator) {
            words.add("new discriminator");
        }
        return words.toArray(String[]::new);
    }

    /**
     * Gives a trainer what it takes over; nothing if it goes on from a checkpoint of its own.
     *
     * @param start what the run begins from, {@code null} for random weights
     * @param adversarial whether it has a discriminator
     * @throws ParameterException if a state is asked for that is not there
     * @throws org.aimjvm.io.CheckpointException if it does not fit
     */
    public void begin(Console console, VqTrainer trainer, InitOptions.Start start, boolean adversarial) {
        if (start == null || start.goesOn()) {
            return;
        }
        try (StartState state = new StartState(start.folder())) {
            if (optimizer) {
                trainer.beginOptimizer(VqTrainer.TOKENIZER, state.optimizer().orElseThrow(() -> usage(
                        "--init-optimizer: --init " + start.name()
                                + " holds no state of an optimiser (leave it out)")));
            }
            Optional<TensorSource> discriminator = state.discriminator();
            if (!adversarial || newDiscriminator || discriminator.isEmpty()) {
                return;
            }
            trainer.begin(VqTrainer.DISCRIMINATOR, discriminator.get());
            Optional<TensorSource> moments = optimizer ? state.discriminatorOptimizer() : Optional.empty();
            moments.ifPresent(m -> trainer.beginOptimizer(VqTrainer.DISCRIMINATOR, m));
            console.err().println("aim: --init " + start.name() + ": discriminator taken over"
                    + (moments.isPresent() ? ", with its optimiser" : ""));
        }
    }

    private ParameterException usage(String message) {
        return new ParameterException(command.commandLine(), message);
    }
}
