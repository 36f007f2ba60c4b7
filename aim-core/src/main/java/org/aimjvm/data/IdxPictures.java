package org.aimjvm.data;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.aimjvm.io.CheckpointException;

/**
 * Grey pictures of IDX files in memory, one byte per pixel, framed with background to a wanted size. A byte v becomes
 * {@code v / 127.5 - 1}; the frame is -1.
 */
public final class IdxPictures implements PictureSource {
    private final IdxReader.Images images;
    private final byte[] labels;
    private final List<String> classNames;
    private final int side;
    private final String fingerprint;

    private IdxPictures(IdxReader.Images images, byte[] labels, List<String> classNames, int side) {
        this.images = images;
        this.labels = labels;
        this.classNames = List.copyOf(classNames);
        this.side = side;
        this.fingerprint = new Fingerprint()
                .add("idx")
                .add(images.count(), images.rows(), images.cols(), side)
                .add(images.pixels())
                .add(labels)
                .toString();
    }

    /**
     * Reads a file of pictures and one of labels.
     *
     * @param classNames by label
     * @param side rows and columns wanted, at least those of the files; the frame is as even as it can be
     * @throws CheckpointException if a file is missing or damaged, their counts differ, or a label has no class
     */
    public static IdxPictures read(Path imageFile, Path labelFile, List<String> classNames, int side) {
        IdxReader.Images images = IdxReader.images(imageFile);
        byte[] labels = IdxReader.labels(labelFile);
        if (labels.length != images.count()) {
            throw new CheckpointException(
                    labelFile, null, labels.length + " labels, expected " + images.count() + " as " + imageFile);
        }
        for (byte label : labels) {
            if ((label & 0xff) >= classNames.size()) {
                throw new CheckpointException(
                        labelFile, null, "label " + (label & 0xff) + ", expected 0 to " + (classNames.size() - 1));
            }
        }
        if (side < images.rows() || side < images.cols()) {
            throw new IllegalArgumentException("side: " + side + " (expected at least " + images.rows() + " rows and "
                    + images.cols() + " columns)");
        }
        return new IdxPictures(images, labels, classNames, side);
    }

    @Override
    public int size() {
        return images.count();
    }

    @Override
    public int channels() {
        return 1;
    }

    @Override
    public int height() {
        return side;
    }

    @Override
    public int width() {
        return side;
    }

    @Override
    public List<String> classNames() {
        return classNames;
    }

    @Override
    public int label(int index) {
        return labels[index] & 0xff;
    }

    @Override
    public void read(int index, long draw, float[] chw, int offset) {
        int rows = images.rows();
        int cols = images.cols();
        int top = (side - rows) / 2;
        int left = (side - cols) / 2;
        Arrays.fill(chw, offset, offset + side * side, -1f);
        for (int r = 0; r < rows; r++) {
            int from = (index * rows + r) * cols;
            int to = offset + (top + r) * side + left;
            for (int c = 0; c < cols; c++) {
                chw[to + c] = (images.pixels()[from + c] & 0xff) / 127.5f - 1f;
            }
        }
    }

    @Override
    public String fingerprint() {
        return fingerprint;
    }
}
