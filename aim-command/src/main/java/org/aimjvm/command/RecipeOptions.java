package org.aimjvm.command;

import java.util.Locale;
import org.aimjvm.data.Sampling;
import org.aimjvm.optim.AdamWOptions;
import org.aimjvm.optim.LrSchedule;
import org.aimjvm.train.TrainRecipe;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that decide the numbers of a training run, whatever the stage; a mixin. */
public final class RecipeOptions {
    private static final int WARMUP_SHARE = 50;

    /** Names of {@link AdamWOptions.DecayRule} as the command line spells them. */
    enum Decay {
        BY_DIMENSION(AdamWOptions.DecayRule.BY_DIMENSION), ALL(AdamWOptions.DecayRule.ALL), NONE(
                AdamWOptions.DecayRule.NONE);

        private final AdamWOptions.DecayRule rule;

        Decay(AdamWOptions.DecayRule rule) {
            this.rule = rule;
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    @Spec(Spec.Target.MIXEE) private CommandSpec command;

    @Option(names = "--steps", paramLabel = "N",
            description = "Steps of the whole run (this or --epochs).") private Integer steps;

    @Option(
            names = "--epochs",
            paramLabel = "N",
            description = "Passes over the training pictures, instead of --steps; the rest that fills no batch is left out.") private Integer epochs;

    @Option(
            names = "--batch",
            defaultValue = "64",
            paramLabel = "N",
            description = "Pictures a step (default: ${DEFAULT-VALUE}).") private int batch;

    @Option(
            names = "--micro-batch",
            paramLabel = "N",
            description = "Pictures at a time, a divisor of --batch: less memory, gradients are summed (default: all).") private Integer microBatch;

    @Option(
            names = "--sampling",
            defaultValue = "shuffled",
            paramLabel = "HOW",
            description = "What an epoch draws: shuffled (every picture once) or balanced (each class equally often, so that "
                    + "small classes come again and large ones not whole; default: ${DEFAULT-VALUE}).") private Sampling sampling;

    @Option(
            names = "--lr",
            defaultValue = "4e-4",
            paramLabel = "R",
            description = "Peak learning rate (default: ${DEFAULT-VALUE}).") private double lr;

    @Option(
            names = "--schedule",
            defaultValue = "cosine",
            paramLabel = "KIND",
            description = "Learning rate after the warm-up: constant, linear or cosine, the last two down to 0 "
                    + "(default: ${DEFAULT-VALUE}).") private LrSchedule.Kind schedule;

    @Option(
            names = "--warmup",
            paramLabel = "N",
            description = "Steps in which the learning rate rises to its peak (default: a fiftieth of all).") private Integer warmup;

    @Option(
            names = "--weight-decay",
            defaultValue = "0.05",
            paramLabel = "R",
            description = "Decoupled weight decay (default: ${DEFAULT-VALUE}).") private double weightDecay;

    @Option(
            names = "--decay",
            defaultValue = "by-dimension",
            paramLabel = "WHICH",
            description = "What decays: by-dimension (matrices and filters), all, or none (default: ${DEFAULT-VALUE}).") private Decay decay;

    @Option(
            names = "--beta1",
            defaultValue = "0.9",
            paramLabel = "R",
            description = "AdamW's decay of the first moment (default: ${DEFAULT-VALUE}).") private double beta1;

    @Option(
            names = "--beta2",
            defaultValue = "0.95",
            paramLabel = "R",
            description = "AdamW's decay of the second moment (default: ${DEFAULT-VALUE}).") private double beta2;

    @Option(
            names = "--clip",
            defaultValue = "1",
            paramLabel = "R",
            description = "Largest global gradient norm, 0 for no limit (default: ${DEFAULT-VALUE}).") private double clip;

    @Option(
            names = "--ema",
            defaultValue = "0.999",
            paramLabel = "R",
            description = "Decay of the averaged weights, which are what validation, samples and the result use; "
                    + "0 for none (default: ${DEFAULT-VALUE}).") private double ema;

    @Option(
            names = "--seed",
            defaultValue = "0",
            paramLabel = "N",
            description = "Seed of weights, shuffles, dropout and crops (default: ${DEFAULT-VALUE}).") private long seed;

    public long seed() {
        return seed;
    }

    int batch() {
        return batch;
    }

    /**
     * Complains about everything that can be wrong without knowing the data.
     *
     * @throws ParameterException naming the option
     */
    public void check() {
        if ((steps == null) == (epochs == null)) {
            throw usage("--steps, --epochs: " + (steps == null ? "none" : "both") + " given, expected one of the two");
        }
        new OptionChecks(command)
                .atLeast("--steps", steps, 1)
                .atLeast("--epochs", epochs, 1)
                .atLeast("--batch", batch, 1)
                .atLeast("--micro-batch", microBatch, 1)
                .within("--lr", lr, 0, Double.POSITIVE_INFINITY)
                .within("--weight-decay", weightDecay, 0, Double.POSITIVE_INFINITY)
                .within("--clip", clip, 0, Double.POSITIVE_INFINITY)
                .within("--beta1", beta1, 0, 1)
                .within("--beta2", beta2, 0, 1)
                .within("--ema", ema, 0, 1);
        if (microBatch != null && batch % microBatch != 0) {
            throw usage("--micro-batch: " + microBatch + " (expected a divisor of --batch " + batch + ")");
        }
        if (warmup != null && (warmup < 0 || steps != null && warmup > steps)) {
            throw usage("--warmup: " + warmup + " (expected 0 to the number of steps)");
        }
    }

    /**
     * The recipe for {@code examples} training pictures.
     *
     * @throws ParameterException if a batch is larger than that, or an epoch too many
     */
    public TrainRecipe forExamples(int examples) {
        if (batch > examples) {
            throw usage("--batch: " + batch + " (expected at most the " + examples + " training pictures)");
        }
        long total = steps != null ? steps : (long) epochs * (examples / batch);
        if (total > Integer.MAX_VALUE) {
            throw usage("--epochs: " + epochs + " are " + total + " steps (expected at most " + Integer.MAX_VALUE
                    + ")");
        }
        if (warmup != null && warmup > total) {
            throw usage("--warmup: " + warmup + " (expected 0 to the " + total + " steps)");
        }
        return ComputeOptions.checked(command, () -> recipe((int) total));
    }

    private TrainRecipe recipe(int total) {
        int rise = warmup != null ? warmup : total / WARMUP_SHARE;
        AdamWOptions optimizer = new AdamWOptions(lr, beta1, beta2, 1e-8, weightDecay, decay.rule, clip);
        int accumulation = microBatch == null ? 1 : batch / microBatch;
        return new TrainRecipe(batch, accumulation, seed, optimizer, new LrSchedule(schedule, rise, total), ema,
                sampling);
    }

    private ParameterException usage(String message) {
        return new ParameterException(command.commandLine(), message);
    }
}
