package org.aimjvm.cli.option;

import java.lang.reflect.Field;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.aimjvm.command.ComputeOptions;
import org.aimjvm.command.OptionChecks;
import org.aimjvm.optim.AdamWOptions;
import org.aimjvm.train.AdversarialOptions;
import org.aimjvm.train.DiffAugment;
import org.aimjvm.vq.AdversarialLoss;
import org.aimjvm.vq.PatchDiscriminator;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** The discriminator of a tokenizer's training; a mixin. */
public final class DiscriminatorOptions {
    private static final String ADVERSARIAL = "--adversarial";

    @Spec(Spec.Target.MIXEE) private CommandSpec command;

    @Option(
            names = ADVERSARIAL,
            paramLabel = "LOSS",
            converter = Loss.class,
            description = "Trains a discriminator too, and the tokenizer to be taken for real by it: hinge, vanilla or "
                    + "non-saturating. The options below need this one.") private AdversarialLoss loss;

    @Option(
            names = "--adversarial-weight",
            defaultValue = "0.1",
            paramLabel = "R",
            description = "Weight of the tokenizer's part: 0.02 to 0.1 for thousands of pictures, 0.5 in the published recipe "
                    + "for a million (default: ${DEFAULT-VALUE}).") private double weight;

    @Option(
            names = "--adaptive-weight",
            description = "Multiply the weight so that both gradients at the decoder's last convolution are alike.") private boolean adaptive;

    @Option(
            names = "--adversarial-from",
            defaultValue = "0",
            paramLabel = "STEP",
            description = "Step from which the discriminator is trained (default: ${DEFAULT-VALUE}).") private int from;

    @Option(
            names = "--disc-warmup",
            defaultValue = "0",
            paramLabel = "N",
            description = "Steps that it is trained before it counts for the tokenizer (default: ${DEFAULT-VALUE}).") private int warmup;

    @Option(
            names = "--disc-channels",
            defaultValue = "64",
            paramLabel = "N",
            description = "Channels of its first convolution (default: ${DEFAULT-VALUE}, as published).") private int channels;

    @Option(
            names = "--disc-layers",
            defaultValue = "3",
            paramLabel = "N",
            description = "Its convolutions of stride 2 (default: ${DEFAULT-VALUE}, as published; 2 for pictures of 32 "
                    + "pixels or fewer).") private int layers;

    @Option(
            names = "--disc-lr",
            paramLabel = "R",
            description = "Its learning rate (default: that of --lr).") private Double lr;

    @Option(
            names = "--lecam",
            defaultValue = "0",
            paramLabel = "R",
            description = "Weight of LeCAM's regulariser for few pictures, e.g. 0.05 (default: ${DEFAULT-VALUE}).") private double leCam;

    @Option(
            names = "--disc-augment",
            split = ",",
            paramLabel = "KIND",
            converter = Augment.class,
            description = "Changes of what it sees, for few pictures: color, translation, cutout.") private List<
                    DiffAugment.Kind> augment = List.of();

    @Option(
            names = "--stop-if-worse",
            defaultValue = "4",
            paramLabel = "R",
            description = "End the run when reconstructions stay this many times worse than they were, 0 for never "
                    + "(default: ${DEFAULT-VALUE}).") private double divergence;

    /** Reads an {@link AdversarialLoss}. */
    static final class Loss implements ITypeConverter<AdversarialLoss> {
        @Override
        public AdversarialLoss convert(String value) {
            return constant(AdversarialLoss.class, value, "hinge, vanilla or non-saturating");
        }
    }

    /** Reads a {@link DiffAugment.Kind}. */
    static final class Augment implements ITypeConverter<DiffAugment.Kind> {
        @Override
        public DiffAugment.Kind convert(String value) {
            return constant(DiffAugment.Kind.class, value, "color, translation or cutout");
        }
    }

    private static <E extends Enum<E>> E constant(Class<E> type, String value, String expected) {
        try {
            return Enum.valueOf(type, value.toUpperCase(Locale.ROOT).replace('-', '_'));
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(value + ", expected " + expected);
        }
    }

    /** Whether a discriminator is asked for. */
    public boolean given() {
        return loss != null;
    }

    /** Complains about options without their meaning, and values out of range. */
    public void check() {
        OptionChecks checks = new OptionChecks(command);
        if (loss == null) {
            for (OptionSpec option : command.commandLine().getParseResult().matchedOptions()) {
                if (option.userObject() instanceof Field f
                        && f.getDeclaringClass() == DiscriminatorOptions.class) {
                    throw checks.usage(option.longestName() + ": given without --adversarial (expected both)");
                }
            }
            return;
        }
        checks.atLeast("--adversarial-from", from, 0)
                .atLeast("--disc-warmup", warmup, 0)
                .within("--adversarial-weight", weight, 0, Double.POSITIVE_INFINITY)
                .within("--lecam", leCam, 0, Double.POSITIVE_INFINITY);
        requireCount(checks, "--disc-channels", channels, PatchDiscriminator.Config.MOST_WIDTH);
        requireCount(checks, "--disc-layers", layers, PatchDiscriminator.Config.MOST_LAYERS);
        if (lr != null) {
            checks.within("--disc-lr", lr, 0, Double.POSITIVE_INFINITY);
        }
        if (divergence != 0 && !(divergence > 1 && divergence < Double.POSITIVE_INFINITY)) {
            throw checks.usage("--stop-if-worse: " + divergence + " (expected a number above 1, or 0 for never)");
        }
    }

    private static void requireCount(OptionChecks checks, String option, int value, int most) {
        if (value < 1 || value > most) {
            throw checks.usage(option + ": " + value + " (expected 1 to " + most + ")");
        }
    }

    /** Complains about more layers than the pictures have room for. */
    public void requireFit(int height, int width) {
        int side = Math.min(height, width);
        if (loss == null || side >= PatchDiscriminator.Config.leastSide(layers)) {
            return;
        }
        int most = layers - 1;
        while (most > 0 && side < PatchDiscriminator.Config.leastSide(most)) {
            most--;
        }
        String pictures = " for pictures of " + height + " x " + width + " (expected ";
        OptionChecks checks = new OptionChecks(command);
        throw most > 0 ? checks.usage("--disc-layers: " + layers + pictures + "at most " + most + ")")
                : checks.usage(ADVERSARIAL + ": given" + pictures + "at least "
                        + PatchDiscriminator.Config.leastSide(1) + " rows and columns)");
    }

    /**
     * What the options say.
     *
     * @param tokenizer settings of the tokenizer's optimiser
     * @return {@code null} if no discriminator was asked for
     */
    public AdversarialOptions options(AdamWOptions tokenizer) {
        if (loss == null) {
            return null;
        }
        AdversarialOptions defaults = AdversarialOptions.of(lr == null ? tokenizer.lr() : lr);
        Set<DiffAugment.Kind> kinds = augment.isEmpty() ? Set.of() : EnumSet.copyOf(augment);
        return ComputeOptions.checked(command, () -> new AdversarialOptions(
                loss, weight, from, warmup, adaptive, channels, layers, defaults.optimizer(), leCam, kinds,
                divergence));
    }
}
