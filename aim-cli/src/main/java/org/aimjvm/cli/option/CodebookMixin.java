package org.aimjvm.cli.option;

import java.util.Locale;
import org.aimjvm.command.ComputeOptions;
import org.aimjvm.command.OptionChecks;
import org.aimjvm.train.CodebookOptions;
import org.aimjvm.vq.Codebook;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** How the codebook of a tokenizer is begun and kept in use; a mixin. */
public final class CodebookMixin {
    private static final String REVIVE_AFTER = "--revive-after";
    private static final int DEFAULT_REVIVE_AFTER = CodebookOptions.DEFAULT.reviveAfter();

    @Spec(Spec.Target.MIXEE) private CommandSpec command;

    @Option(
            names = "--codebook-start",
            defaultValue = "uniform",
            paramLabel = "KIND",
            description = "Where codes begin: uniform, or kmeans, at the centres of clusters of latents of the first pictures "
                    + "(default: ${DEFAULT-VALUE}).") private CodebookOptions.Start start;

    @Option(
            names = REVIVE_AFTER,
            paramLabel = "N",
            description = "Steps after which a code that nothing was mapped to is moved to where pictures are, 0 for never "
                    + "(default: 100; 0 with the two options below).") private Integer reviveAfter;

    @Option(
            names = "--restart-below",
            defaultValue = "0",
            paramLabel = "R",
            description = "Instead, move a code whose average uses per step fall below this share of even use, below 1, e.g. 0.1; "
                    + "0 for never (default: ${DEFAULT-VALUE}).") private double restartBelow;

    @Option(
            names = "--codebook-projection",
            defaultValue = "none",
            paramLabel = "KIND",
            description = "none, or linear: codes are a frozen random matrix times one learned matrix (SimVQ), so that all of "
                    + "them move together (default: ${DEFAULT-VALUE}).") private Projection projection;

    @Option(
            names = "--codebook-gradient",
            defaultValue = "straight",
            paramLabel = "KIND",
            converter = GradientName.class,
            description = "What the encoder gets through the codebook: straight (as if it were not there) or rotation (the "
                    + "gradient turned as the latent was; default: ${DEFAULT-VALUE}).") private Codebook.Gradient gradient;

    /** How codes are parametrised. */
    enum Projection {
        NONE, LINEAR
    }

    /** Reads a {@link Codebook.Gradient}. */
    static final class GradientName implements ITypeConverter<Codebook.Gradient> {
        @Override
        public Codebook.Gradient convert(String value) {
            try {
                return Codebook.Gradient.valueOf(value.toUpperCase(Locale.ROOT));
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(value + ", expected straight or rotation");
            }
        }
    }

    /**
     * What the options say.
     *
     * @throws picocli.CommandLine.ParameterException if they contradict each other
     */
    public CodebookOptions options() {
        OptionChecks checks = new OptionChecks(command).atLeast(REVIVE_AFTER, reviveAfter, 0)
                .within("--restart-below", restartBelow, 0, 1);
        boolean linear = projection == Projection.LINEAR;
        if (restartBelow > 0 && reviveAfter != null && reviveAfter > 0) {
            throw checks.usage("--restart-below: " + restartBelow + " with --revive-after " + reviveAfter
                    + " (expected one of the two)");
        }
        if (linear && (restartBelow > 0 || reviveAfter != null && reviveAfter > 0
                || start != CodebookOptions.Start.UNIFORM)) {
            throw checks.usage("--codebook-projection: linear with --codebook-start, --revive-after or --restart-below"
                    + " (expected by itself: the codes move together)");
        }
        int revive = reviveAfter != null ? reviveAfter : restartBelow > 0 || linear ? 0 : DEFAULT_REVIVE_AFTER;
        return ComputeOptions.checked(
                command, () -> new CodebookOptions(start, revive, restartBelow, gradient, linear));
    }
}
