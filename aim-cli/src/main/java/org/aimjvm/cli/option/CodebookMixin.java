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
    private static final String RESTART_BELOW = "--restart-below";

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
            description = "Instead of the next option, move a code that nothing was mapped to for this many steps, 0 for "
                    + "never (default: 0).") private Integer reviveAfter;

    @Option(
            names = RESTART_BELOW,
            paramLabel = "R",
            description = "Move a code whose average uses per step fall below this share of even use to where pictures are, "
                    + "below 1, 0 for never (default: 0.1; 0 with --revive-after or a projection).") private Double restartBelow;

    @Option(
            names = "--codebook-projection",
            defaultValue = "none",
            paramLabel = "KIND",
            description = "none, or linear: codes are a frozen random matrix times one learned matrix (SimVQ), so that all of "
                    + "them move together (default: ${DEFAULT-VALUE}).") private Projection projection;

    @Option(
            names = "--codebook-gradient",
            defaultValue = "rotation",
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
     * What the options say. Those that were not given and hang on others have their values afterwards, for recipes.
     *
     * @throws picocli.CommandLine.ParameterException if they contradict each other
     */
    public CodebookOptions options() {
        OptionChecks checks = new OptionChecks(command).atLeast(REVIVE_AFTER, reviveAfter, 0)
                .within(RESTART_BELOW, restartBelow == null ? 0 : restartBelow, 0, 1);
        boolean linear = projection == Projection.LINEAR;
        boolean revives = reviveAfter != null && reviveAfter > 0;
        boolean restarts = restartBelow != null && restartBelow > 0;
        if (restarts && revives) {
            throw checks.usage(RESTART_BELOW + ": " + restartBelow + " with " + REVIVE_AFTER + " " + reviveAfter
                    + " (expected one of the two)");
        }
        if (linear && (restarts || revives || start != CodebookOptions.Start.UNIFORM)) {
            throw checks.usage("--codebook-projection: linear with --codebook-start, --revive-after or --restart-below"
                    + " (expected by itself: the codes move together)");
        }
        if (restartBelow == null) {
            restartBelow = linear || reviveAfter != null ? 0 : CodebookOptions.DEFAULT.restartBelow();
        }
        if (reviveAfter == null) {
            reviveAfter = 0;
        }
        return ComputeOptions.checked(
                command, () -> new CodebookOptions(start, reviveAfter, restartBelow, gradient, linear));
    }
}
