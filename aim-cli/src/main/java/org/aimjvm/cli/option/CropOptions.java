package org.aimjvm.cli.option;

import java.io.IOException;
import org.aimjvm.command.Console;
import org.aimjvm.command.OptionChecks;
import org.aimjvm.command.PictureData;
import org.aimjvm.data.PictureSource;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Which parts of a training picture are encoded; a mixin. */
public final class CropOptions {
    private static final double LLAMAGEN = 1.1;
    private static final double LARGEST = 2;

    /** Parts of a picture. */
    enum Crops {
        ONE, TEN
    }

    @Spec(Spec.Target.MIXEE) private CommandSpec command;

    @Option(
            names = "--crops",
            defaultValue = "one",
            paramLabel = "KIND",
            description = "Parts of each training picture file that are encoded: one, or ten: its four corners and centre, and "
                    + "those of its mirror image, as LlamaGen extracts them; each time that training draws the picture it draws "
                    + "one of them. Validation pictures are encoded once (default: ${DEFAULT-VALUE}).") private Crops crops;

    @Option(
            names = "--crop-range",
            paramLabel = "R",
            description = "With --crops ten: the picture is resized and cropped to R times --size, from 1 to below 2, before the "
                    + "ten are cut (default: 1.1; LlamaGen also takes 1.05).") private Double range;

    /**
     * Complains about values that can be wrong without knowing the data.
     *
     * @param views value of {@code --views}
     */
    public void check(int views) {
        OptionChecks checks = new OptionChecks(command);
        if (range != null) {
            checks.within("--crop-range", range, 1, LARGEST);
            if (crops == Crops.ONE) {
                throw checks.usage("--crop-range: " + range + " (expected with --crops ten only)");
            }
        }
        if (crops == Crops.TEN && views > 1) {
            throw checks.usage("--views: " + views + " with --crops ten (expected one of the two)");
        }
    }

    /** Complains about ten crops where only validation pictures are encoded. */
    public void requireOne(String option) {
        if (crops == Crops.TEN) {
            throw new OptionChecks(command).usage("--crops: ten with " + option
                    + " (expected all or train: validation pictures are encoded once)");
        }
    }

    /** The pictures to encode for training. */
    public PictureSource train(PictureData pictures, Console console) throws IOException {
        return crops == Crops.ONE ? pictures.train(console)
                : pictures.trainTenCrops(console, range == null ? LLAMAGEN : range);
    }
}
