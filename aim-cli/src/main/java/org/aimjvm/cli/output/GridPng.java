package org.aimjvm.cli.output;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.aimjvm.Picture;
import org.aimjvm.io.Images;

/** All pictures in one PNG file, in rows on white; a single picture without a frame. Painted as they come. */
public final class GridPng implements PictureOutput {
    /** As many as {@link Images#read} takes. */
    private static final long MAX_PIXELS = 100_000_000;

    private static final int PADDING = 2;

    private final Path file;
    private final int columns;
    private final int zoom;
    private final int cell;
    private final int padding;
    private final BufferedImage canvas;
    private int done;

    /**
     * @param size pixels along a side of a picture
     * @throws IllegalArgumentException if the file would have more than 100 million pixels
     */
    public GridPng(Path file, int count, int columns, int size, int zoom) {
        this.file = file;
        this.columns = columns;
        this.zoom = zoom;
        this.cell = size * zoom;
        this.padding = count == 1 ? 0 : PADDING * zoom;
        int rows = (count + columns - 1) / columns;
        long width = padding + (long) columns * (cell + padding);
        long height = padding + (long) rows * (cell + padding);
        if (width * height > MAX_PIXELS || width * height < 0) {
            throw new IllegalArgumentException(
                    "--out: a picture of " + width + " x " + height + " pixels (expected at most " + MAX_PIXELS
                            + " together; make fewer, zoom less, or write a folder)");
        }
        this.canvas = new BufferedImage((int) width, (int) height, BufferedImage.TYPE_INT_RGB);
        int[] white = new int[canvas.getWidth()];
        Arrays.fill(white, 0xffffff);
        for (int y = 0; y < canvas.getHeight(); y++) {
            canvas.setRGB(0, y, white.length, 1, white, 0, white.length);
        }
    }

    @Override
    public void add(Picture picture) {
        int x = padding + done % columns * (cell + padding);
        int y = padding + done / columns * (cell + padding);
        int[] rgb = enlarged(picture.toImage(), zoom).getRGB(0, 0, cell, cell, null, 0, cell);
        canvas.setRGB(x, y, cell, cell, rgb, 0, cell);
        done++;
    }

    /** Every pixel as a square of {@code zoom} x {@code zoom}. */
    public static BufferedImage enlarged(BufferedImage image, int zoom) {
        if (zoom == 1) {
            return image;
        }
        int width = image.getWidth() * zoom;
        BufferedImage large = new BufferedImage(width, image.getHeight() * zoom, BufferedImage.TYPE_INT_RGB);
        int[] row = new int[width];
        for (int y = 0; y < large.getHeight(); y++) {
            for (int x = 0; x < width; x++) {
                row[x] = image.getRGB(x / zoom, y / zoom);
            }
            large.setRGB(0, y, width, 1, row, 0, width);
        }
        return large;
    }

    @Override
    public List<Path> commit() throws IOException {
        Images.writePng(file, canvas);
        return List.of(file);
    }

    @Override
    public void close() {
        // nothing is on the disk before the commit
    }
}
