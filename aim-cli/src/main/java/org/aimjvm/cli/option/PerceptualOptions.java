package org.aimjvm.cli.option;

import java.nio.file.Path;
import org.aimjvm.backend.Backend;
import org.aimjvm.command.OptionChecks;
import org.aimjvm.command.Recorded;
import org.aimjvm.feature.ClassifierFolder;
import org.aimjvm.feature.ClassifierLevels;
import org.aimjvm.feature.Lpips;
import org.aimjvm.feature.LpipsFiles;
import org.aimjvm.feature.PerceptualDistance;
import org.aimjvm.train.PerceptualTerm;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The perceptual part of the tokenizer's loss; a mixin. */
public final class PerceptualOptions {
    private static final String LPIPS = "lpips";
    private static final String RANDOM = "random";
    private static final String FEATURES = "features=";
    /** A quarter of VGG16's channels: a sixteenth of its work. */
    private static final int RANDOM_WIDTH = 16;

    @Spec(Spec.Target.MIXEE) private CommandSpec command;

    @Recorded(Recorded.As.KIND_AND_LAST_NAME)
    @Option(
            names = "--perceptual",
            paramLabel = "KIND",
            description = "Adds a distance of features to the loss: lpips (with --vgg), features=DIR (of a classifier that "
                    + "'aim train classifier' made), or random (a network that has learnt nothing).") private String kind;

    @Option(
            names = "--vgg",
            paramLabel = "FILE",
            description = "VGG16 for --perceptual lpips, as torchvision has it (vgg16-397923af.pth, or safetensors).") private Path vgg;

    @Option(
            names = "--lpips-heads",
            paramLabel = "FILE",
            description = "The heads of LPIPS for VGG16 (vgg.pth, weights-vgg16-lpips.pth), unless --vgg has them.") private Path heads;

    @Option(
            names = "--perceptual-weight",
            defaultValue = "1",
            paramLabel = "R",
            description = "Weight of that distance (default: ${DEFAULT-VALUE}).") private double weight;

    @Option(
            names = "--perceptual-from",
            defaultValue = "0",
            paramLabel = "STEP",
            description = "Step from which it is computed (default: ${DEFAULT-VALUE}).") private int from;

    /** Complains about everything that can be wrong without reading files. */
    public void check() {
        OptionChecks checks = new OptionChecks(command);
        if (kind == null) {
            for (String name : new String[] {"--vgg", "--lpips-heads", "--perceptual-weight", "--perceptual-from"}) {
                if (command.commandLine().getParseResult().hasMatchedOption(name)) {
                    throw checks.usage(name + ": given without --perceptual (expected both)");
                }
            }
            return;
        }
        if (!kind.equals(LPIPS) && !kind.equals(RANDOM)
                && !(kind.startsWith(FEATURES) && kind.length() > FEATURES.length())) {
            throw checks.usage("--perceptual: " + kind + " (expected lpips, features=DIR or random)");
        }
        if (kind.equals(LPIPS) != (vgg != null)) {
            throw checks.usage("--vgg: " + (vgg == null ? "missing, --perceptual lpips needs VGG16's file" : "given")
                    + (vgg == null ? "" : " with --perceptual " + kind + " (expected lpips)"));
        }
        if (heads != null && vgg == null) {
            throw checks.usage("--lpips-heads: given with --perceptual " + kind + " (expected lpips)");
        }
        checks.within("--perceptual-weight", weight, 0, Double.POSITIVE_INFINITY).atLeast("--perceptual-from", from, 0);
    }

    /**
     * The term, with its network read.
     *
     * @param seed of a random network
     * @return {@code null} if none was asked for
     * @throws org.aimjvm.io.CheckpointException if a file is damaged or of something else
     */
    public PerceptualTerm term(Backend backend, long seed) {
        if (kind == null) {
            return null;
        }
        PerceptualDistance distance = switch (kind) {
            case LPIPS -> LpipsFiles.open(vgg, heads, backend);
            case RANDOM -> Lpips.random(backend, RANDOM_WIDTH, seed);
            default -> ClassifierLevels.distance(
                    ClassifierFolder.read(Path.of(kind.substring(FEATURES.length())), backend));
        };
        return new PerceptualTerm(distance, weight, from);
    }
}
