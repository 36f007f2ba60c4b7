package org.aimjvm.cli.output;

import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import org.aimjvm.data.PictureSource;
import org.aimjvm.io.Images;

/** Rows of pictures, each above the row of what was made of them. */
public final class PairGrid {
    private static final int PICTURES = 32;
    private static final int COLUMNS = 16;

    private PairGrid() {}

    /** Pictures that a grid shows, the first of a set. */
    public static int count(PictureSource source) {
        return Math.min(PICTURES, source.size());
    }

    /**
     * The grid.
     *
     * @param source of the size of these pictures
     * @param real (pictures, channels, height, width) in [-1, 1]. Not modified
     * @param made as many. Not modified
     */
    public static BufferedImage of(PictureSource source, float[] real, float[] made) {
        int count = real.length / source.pictureSize();
        List<BufferedImage> cells = new ArrayList<>();
        for (int from = 0; from < count; from += COLUMNS) {
            for (float[] pixels : List.of(real, made)) {
                for (int i = from; i < Math.min(count, from + COLUMNS); i++) {
                    cells.add(Images.fromFloats(pixels, i, source.channels(), source.height(), source.width()));
                }
            }
        }
        return Images.grid(cells, Math.min(COLUMNS, count), 1);
    }
}
