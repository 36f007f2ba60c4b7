package org.aimjvm;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import org.aimjvm.io.Images;
import org.aimjvm.sample.GeneratedPicture;

/**
 * A generated picture: as floats, as a {@link BufferedImage}, or as a PNG file; and what it was made from. Immutable.
 */
public final class Picture {
    private final GeneratedPicture made;
    private final String className;

    Picture(GeneratedPicture made, String className) {
        this.made = made;
        this.className = className;
    }

    /** Its class. */
    public int label() {
        return made.label();
    }

    /** Name of its class, or the number if the model has no names. */
    public String className() {
        return className;
    }

    /** Its seed: the same label, seed and options give the same picture. */
    public long seed() {
        return made.seed();
    }

    /** A copy of its codes, in raster order. */
    public int[] codes() {
        return made.codes().clone();
    }

    /** 3 (red, green, blue) or 1 (gray). */
    public int channels() {
        return made.channels();
    }

    /** Rows of pixels. */
    public int height() {
        return made.height();
    }

    /** Columns of pixels. */
    public int width() {
        return made.width();
    }

    /** A copy of the pixels, (channels, height, width), about [-1, 1], not clamped. */
    public float[] toFloats() {
        return made.pixels().clone();
    }

    /** The pixels as 8-bit RGB, (height, width, 3), unsigned, rounded as in {@link #toImage}; gray is repeated. */
    public byte[] toBytes() {
        return Images.toBytes(made.pixels(), made.channels(), made.height(), made.width());
    }

    /** The picture in 8 bits: {@code floor(255 (clamp(x, -1, 1) + 1) / 2 + 0.5)}. */
    public BufferedImage toImage() {
        return Images.fromFloats(made.pixels(), 0, made.channels(), made.height(), made.width());
    }

    /**
     * Writes a PNG file; it appears at once, complete.
     *
     * @param png a name that ends in {@code .png}
     * @throws IllegalArgumentException if the name promises another format
     * @throws IOException if it cannot be written
     */
    public void save(Path png) throws IOException {
        if (!png.toString().toLowerCase(Locale.ROOT).endsWith(".png")) {
            throw new IllegalArgumentException("save: " + png + " (expected a name that ends in .png)");
        }
        Images.writePng(png, toImage());
    }
}
