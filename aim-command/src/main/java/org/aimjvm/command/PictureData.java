package org.aimjvm.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.aimjvm.data.FashionMnist;
import org.aimjvm.data.IdxFolder;
import org.aimjvm.data.ImageFolder;
import org.aimjvm.data.ImageFolderOptions;
import org.aimjvm.data.PictureSource;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Which pictures a command works on and how they are read: IDX files, told by their names, or a folder per class; a mixin. */
public final class PictureData {
    private static final int SIZE = 256;
    private static final int MAX_SIZE = 1 << 14;

    /** Value of {@link #channels} that stands for what the data have. */
    private static final String AUTO = "auto";

    @Spec(Spec.Target.MIXEE) private CommandSpec command;

    @Option(
            names = "--data",
            required = true,
            paramLabel = "DIR",
            description = "Pictures to train on: a folder with IDX files (train-images-idx3-ubyte.gz and so on), or one with a "
                    + "folder of PNG, JPEG, BMP or GIF files for each class.") private Path data;

    @Option(
            names = "--val",
            paramLabel = "DIR",
            description = "Pictures to validate on, a folder of the same kind (default: the t10k-* files in --data, if there).") private Path val;

    @Option(
            names = "--size",
            paramLabel = "N",
            description = "Rows and columns of the pictures (default: 32 for IDX files, which get a black frame; else 256).") private Integer size;

    @Option(
            names = "--resize",
            paramLabel = "N",
            description = "Short side of a picture file before it is cropped to --size (default: an eighth more).") private Integer resize;

    @Option(
            names = "--channels",
            defaultValue = AUTO,
            paramLabel = "N",
            description = "1 (gray), 3 (colour), or auto: 1 for IDX files, else 3 (default: ${DEFAULT-VALUE}).") private String channels;

    @Option(
            names = "--center-crop",
            description = "Crop picture files in the middle, instead of anywhere.") private boolean centerCrop;

    @Option(names = "--flip", description = "Mirror half of the picture files, at random.") private boolean flip;

    @Option(
            names = "--class-names",
            split = ",",
            paramLabel = "NAME",
            description = "Class names by label for IDX files (default: those of Fashion-MNIST if it is that, else numbers).") private List<
                    String> classNames;

    /** Complains about values that can be wrong without knowing the data. */
    public void check() {
        if (!List.of(AUTO, "1", "3").contains(channels)) {
            throw usage("--channels: " + channels + " (expected auto, 1 or 3)");
        }
        if (size != null && (size < 1 || size > MAX_SIZE)) {
            throw usage("--size: " + size + " (expected 1 to " + MAX_SIZE + ")");
        }
        if (resize != null && (resize < side() || resize > MAX_SIZE)) {
            throw usage("--resize: " + resize + " (expected --size " + side() + " to " + MAX_SIZE + ")");
        }
    }

    private int side() {
        return size == null ? SIZE : size;
    }

    /** The pictures to train on. */
    public PictureSource train(Console console) throws IOException {
        return open(data, console);
    }

    /** The pictures to validate on; null if there are none. */
    public PictureSource validation(Console console) throws IOException {
        if (val != null) {
            return open(val, console);
        }
        return IdxFolder.isThere(data, IdxFolder.TEST) ? openIdx(data, IdxFolder.TEST) : null;
    }

    private PictureSource open(Path folder, Console console) throws IOException {
        if (!Files.isDirectory(folder)) {
            throw usage(folder + ": no such folder, expected one with IDX files or with a folder for each class"
                    + " (get some with 'aim data fashion-mnist')");
        }
        return IdxFolder.isThere(folder, IdxFolder.TRAIN)
                ? openIdx(folder, IdxFolder.TRAIN)
                : openFiles(folder, console);
    }

    private PictureSource openIdx(Path folder, String part) throws IOException {
        if (resize != null || centerCrop || flip) {
            throw usage((resize != null ? "--resize" : centerCrop ? "--center-crop" : "--flip")
                    + ": given for IDX files (expected with picture files only)");
        }
        if (channels.equals("3")) {
            throw usage("--channels: 3 for IDX files (expected 1: they are gray)");
        }
        int side = size == null ? FashionMnist.SIDE : size;
        return ComputeOptions.checked(command, () -> IdxFolder.open(folder, part, classNames, side));
    }

    private PictureSource openFiles(Path folder, Console console) {
        if (classNames != null) {
            throw usage("--class-names: given for picture files (expected with IDX files only: folders are the names)");
        }
        int planes = channels.equals("1") ? 1 : 3;
        int shortSide = resize == null ? side() + side() / 8 : resize;
        ImageFolder pictures =
                ImageFolder.open(folder, new ImageFolderOptions(side(), shortSide, planes, !centerCrop, flip));
        if (!pictures.broken().isEmpty()) {
            ImageFolder.Broken first = pictures.broken().getFirst();
            console.err().printf(Locale.ROOT, "aim: %s: %d of %d pictures left out, the first: %s%n", folder,
                    pictures.broken().size(), pictures.size() + pictures.broken().size(), first.reason());
        }
        return pictures;
    }

    private ParameterException usage(String message) {
        return new ParameterException(command.commandLine(), message);
    }
}
