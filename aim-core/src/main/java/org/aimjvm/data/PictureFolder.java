package org.aimjvm.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.IntConsumer;
import org.aimjvm.io.CheckpointException;

/**
 * Opens a folder of labelled pictures, whatever kind it is: IDX files under the names of MNIST, or a folder of picture
 * files per class ({@link ImageFolder}).
 */
public final class PictureFolder {
    private PictureFolder() {}

    /**
     * Opens the pictures to train on: the files {@code train-*} of a folder with IDX files, all of a folder per class.
     *
     * @throws CheckpointException if there is no such folder, or it holds neither
     * @throws IllegalArgumentException if the options do not fit what is there
     */
    public static PictureSource open(Path folder, PictureOptions options) {
        return open(folder, options, _ -> {});
    }

    /**
     * As {@link #open(Path, PictureOptions)}, for folders that take a while.
     *
     * @param progress told how many files are checked, by the calling thread
     */
    public static PictureSource open(Path folder, PictureOptions options, IntConsumer progress) {
        if (!Files.isDirectory(folder)) {
            throw new CheckpointException(
                    folder, null, "no such folder, expected one with IDX files or with a folder for each class");
        }
        if (isIdx(folder)) {
            return idx(folder, IdxFolder.TRAIN, options);
        }
        if (!options.classNames().isEmpty()) {
            throw new IllegalArgumentException("classNames: given for picture files (expected with IDX files only:"
                    + " folders are the names)");
        }
        return ImageFolder.open(folder, options, progress);
    }

    /**
     * Opens the pictures to test on that come with those to train on: the files {@code t10k-*} of a folder with IDX
     * files.
     *
     * @throws CheckpointException if there are none, or they are damaged
     * @throws IllegalArgumentException if the options do not fit
     */
    public static PictureSource openTest(Path folder, PictureOptions options) {
        return idx(folder, IdxFolder.TEST, options);
    }

    /** Whether {@link #openTest} finds pictures. */
    public static boolean hasTest(Path folder) {
        return IdxFolder.isThere(folder, IdxFolder.TEST);
    }

    /** Whether {@link #open} takes a folder for one of IDX files. */
    public static boolean isIdx(Path folder) {
        return IdxFolder.isThere(folder, IdxFolder.TRAIN);
    }

    private static PictureSource idx(Path folder, String part, PictureOptions options) {
        if (options.resizeShort() != 0 || !options.randomCrop() || options.flip()) {
            throw new IllegalArgumentException("resizeShort, randomCrop, flip: " + options.resizeShort() + ", "
                    + options.randomCrop() + ", " + options.flip() + " for IDX files (expected 0, true, false: they are"
                    + " framed, not cropped)");
        }
        if (options.admCrop()) {
            throw new IllegalArgumentException(
                    "admCrop: true for IDX files (expected false: they are framed, not cropped)");
        }
        if (options.channels() == 3) {
            throw new IllegalArgumentException("channels: 3 for IDX files (expected 1: they are gray)");
        }
        List<String> names = options.classNames().isEmpty() ? null : options.classNames();
        return IdxFolder.open(folder, part, names, options.side() == 0 ? FashionMnist.SIDE : options.side());
    }
}
