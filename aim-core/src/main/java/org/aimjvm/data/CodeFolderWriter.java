package org.aimjvm.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.IntConsumer;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.Npy;
import org.aimjvm.io.StagedFolder;

/** Writes codes as others store them, for their trainers; {@link CodeFolder} reads them. Elements are int64. */
public final class CodeFolderWriter {
    /** How a folder is laid out. */
    public enum Layout {
        /**
         * {@code imagenetP_codes/I.npy} of shape (1, crops, length) and {@code imagenetP_labels/I.npy} of shape (1), for
         * pictures of P pixels. LlamaGen's trainer looks for these names whatever the pictures are.
         */
        LLAMAGEN,
        /** {@code LABEL/I.npy} of shape (crops, length), as RandAR's and ARPG's trainers read them. */
        CLASSES
    }

    private CodeFolderWriter() {}

    /**
     * Writes a set. The folder appears when all of it is written.
     *
     * @param set row {@code v * (rows / crops) + i} is crop v of picture i, as {@link CodeExtractor} writes them
     * @param crops rows of a picture: those of the set, or a divisor of the number of rows of a set that says 1
     * @param pixels height and width of the pictures
     * @param folder where to put it; one that is there is replaced in the end
     * @param progress told how many pictures are done
     * @throws CheckpointException if a file cannot be written
     */
    public static void write(
            TokenDataset set, int crops, int pixels, Layout layout, Path folder, IntConsumer progress) {
        if (crops < 1 || set.rows() % crops != 0 || set.crops() != 1 && crops != set.crops()) {
            throw new IllegalArgumentException(
                    "crops: " + crops + " (expected " + (set.crops() == 1
                            ? "a divisor of the " + set.rows() + " rows there are)"
                            : set.crops() + ", those of the set)"));
        }
        int pictures = set.rows() / crops;
        int length = set.length();
        int[] row = new int[length];
        long[] codes = new long[crops * length];
        try (StagedFolder staged = StagedFolder.replacing(folder)) {
            Path root = staged.folder();
            for (int i = 0; i < pictures; i++) {
                for (int crop = 0; crop < crops; crop++) {
                    set.readRow(crop * pictures + i, row, 0);
                    for (int j = 0; j < length; j++) {
                        codes[crop * length + j] = row[j];
                    }
                }
                int label = set.rowLabel(i);
                if (layout == Layout.LLAMAGEN) {
                    String name = i + CodeFiles.NPY;
                    Npy.write(made(root, "imagenet" + pixels + CodeFiles.CODES).resolve(name),
                            Shape.of(1, crops, length), codes);
                    Npy.write(made(root, "imagenet" + pixels + CodeFiles.LABELS).resolve(name),
                            Shape.of(1), new long[] {label});
                } else {
                    Path file = made(root, Integer.toString(label))
                            .resolve(String.format(Locale.ROOT, "%08d", i) + CodeFiles.NPY);
                    Npy.write(file, Shape.of(crops, length), codes);
                }
                progress.accept(i + 1);
            }
            staged.commit();
        }
    }

    private static Path made(Path root, String name) {
        Path folder = root.resolve(name);
        try {
            return Files.createDirectories(folder);
        } catch (IOException e) {
            throw new CheckpointException(folder, null, "folder cannot be made: " + e.getMessage(), e);
        }
    }
}
