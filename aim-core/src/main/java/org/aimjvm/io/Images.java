package org.aimjvm.io;

import java.awt.Dimension;
import java.awt.Rectangle;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/**
 * Pictures as the models see them: planes of floats in [-1, 1], red, green and blue (C = 3) or gray (C = 1), row by
 * row. A {@link BufferedImage} made here is always {@link BufferedImage#TYPE_INT_RGB}; those passed in are not
 * modified.
 */
public final class Images {
    private Images() {}

    /**
     * Reads a PNG, JPEG, BMP, GIF (first frame on its canvas) or, where a reader for it is on the class path, WebP
     * file, upright as its orientation tag says. Transparent parts are put on white; colour profiles are ignored, gray
     * values stay what they are; JPEGs with four components become what Pillow's {@code convert('RGB')} makes of them.
     *
     * @throws IOException if it is not a picture, damaged, cut off, or has more than 100 million pixels or more than
     *     its bytes can hold; the message names it
     */
    public static BufferedImage read(Path path) throws IOException {
        return ImageDecoder.read(path, true);
    }

    /**
     * As {@link #read(Path)}, but with rows and columns as they are stored: the orientation tag is ignored.
     *
     * @throws IOException as {@link #read(Path)}
     */
    public static BufferedImage readAsStored(Path path) throws IOException {
        return ImageDecoder.read(path, false);
    }

    /**
     * Whether this Java can read files of a format: WebP needs a reader on the class path that not every application
     * has.
     */
    public static boolean canRead(PictureHeader.Format format) {
        return ImageDecoder.canRead(format);
    }

    /**
     * The pixels as floats, v / 127.5 - 1.
     *
     * @param channels 3, or 1 for the luma 0.299 R + 0.587 G + 0.114 B
     * @return (channels, H, W)
     */
    public static float[] toFloats(BufferedImage image, int channels) {
        float[] out = new float[channels * image.getWidth() * image.getHeight()];
        toFloats(image, channels, out, 0);
        return out;
    }

    /**
     * The pixels as floats, v / 127.5 - 1, at a place in a batch.
     *
     * @param channels 3, or 1 for the luma
     * @param out modified: from {@code offset} on receives (channels, H, W)
     */
    public static void toFloats(BufferedImage image, int channels, float[] out, int offset) {
        requireChannels(channels);
        int[] rgb = rgb(image);
        if (offset < 0 || offset > out.length - channels * rgb.length) {
            throw new IllegalArgumentException("offset: " + offset + " (expected room for " + channels * rgb.length
                    + " values in " + out.length + ")");
        }
        for (int c = 0; c < channels; c++) {
            int plane = offset + c * rgb.length;
            for (int i = 0; i < rgb.length; i++) {
                out[plane + i] = (channels == 1 ? luma(rgb[i]) : channel(rgb[i], c)) / 127.5f - 1;
            }
        }
    }

    /**
     * The 8-bit value of a pixel: floor(255 (clamp(x, -1, 1) + 1) / 2 + 0.5); NaN is 0.
     *
     * @return 0 to 255
     */
    public static int toByte(float x) {
        float clamped = Math.min(1, Math.max(-1, x));
        return (int) (255 * (clamped + 1) / 2 + 0.5f);
    }

    /**
     * One picture of a batch, rounded by {@link #toByte}.
     *
     * @param pixels (N, channels, H, W). Not modified
     * @param index which of the N
     * @param channels 3, or 1 for gray
     */
    public static BufferedImage fromFloats(float[] pixels, int index, int channels, int height, int width) {
        requireChannels(channels);
        int plane = height * width;
        int start = index * channels * plane;
        if (index < 0 || start + channels * plane > pixels.length) {
            throw new IllegalArgumentException("index: " + index + " (expected below "
                    + pixels.length / (channels * plane) + ", the pictures in " + pixels.length + " values)");
        }
        int[] rgb = new int[plane];
        for (int i = 0; i < plane; i++) {
            int r = toByte(pixels[start + i]);
            int g = channels == 1 ? r : toByte(pixels[start + plane + i]);
            int b = channels == 1 ? r : toByte(pixels[start + 2 * plane + i]);
            rgb[i] = r << 16 | g << 8 | b;
        }
        return ofRgb(rgb, width, height);
    }

    /**
     * A batch as 8-bit RGB, as exchanged in {@code .npz} files.
     *
     * @param pixels (N, channels, H, W). Not modified
     * @param channels 3, or 1 for gray, which is repeated
     * @return (N, H, W, 3), unsigned
     */
    public static byte[] toBytes(float[] pixels, int channels, int height, int width) {
        requireChannels(channels);
        int plane = height * width;
        if (plane == 0 || pixels.length % (channels * plane) != 0) {
            throw new IllegalArgumentException("pixels: " + pixels.length + " values (expected a multiple of "
                    + channels * plane + " for " + channels + " x " + height + " x " + width + ")");
        }
        int n = pixels.length / (channels * plane);
        byte[] out = new byte[Math.multiplyExact(3, n * plane)];
        for (int i = 0; i < n * plane; i++) {
            int start = i / plane * channels * plane + i % plane;
            for (int c = 0; c < 3; c++) {
                out[3 * i + c] = (byte) toByte(pixels[start + (channels == 1 ? 0 : c * plane)]);
            }
        }
        return out;
    }

    /** The part of {@code image} with its upper left corner at (x, y). */
    public static BufferedImage crop(BufferedImage image, int x, int y, int width, int height) {
        if (x < 0
                || y < 0
                || width < 1
                || height < 1
                || x > image.getWidth() - width
                || y > image.getHeight() - height) {
            throw new IllegalArgumentException("crop: " + width + " x " + height + " at (" + x + ", " + y
                    + ") (expected within " + image.getWidth() + " x " + image.getHeight() + ")");
        }
        return ofRgb(image.getRGB(x, y, width, height, null, 0, width), width, height);
    }

    /** The middle of {@code image}; an odd remainder goes to the right and below. */
    public static BufferedImage centerCrop(BufferedImage image, int width, int height) {
        return crop(image, (image.getWidth() - width) / 2, (image.getHeight() - height) / 2, width, height);
    }

    /** The mirror image, left and right exchanged. */
    public static BufferedImage flip(BufferedImage image) {
        int w = image.getWidth();
        int[] rgb = rgb(image);
        int[] out = new int[rgb.length];
        for (int i = 0; i < rgb.length; i++) {
            out[i] = rgb[i + w - 1 - 2 * (i % w)];
        }
        return ofRgb(out, w, image.getHeight());
    }

    /** The picture in another size, by the Lanczos filter with three lobes, widened when shrinking. */
    public static BufferedImage resize(BufferedImage image, int width, int height) {
        return ofRgb(Lanczos.resize(rgb(image), image.getWidth(), image.getHeight(), width, height), width, height);
    }

    /**
     * The picture resized so that its shorter side is {@code size} and its proportions stay (longer side rounded down).
     */
    public static BufferedImage resizeShortSide(BufferedImage image, int size) {
        int w = image.getWidth();
        int h = image.getHeight();
        int width = resizedSide(w, h, size);
        int height = resizedSide(h, w, size);
        return width == w && height == h ? ofRgb(rgb(image), w, h) : resize(image, width, height);
    }

    /**
     * What a side becomes when the shorter side is resized to {@code shortSide}: that, or
     * {@code floor(shortSide side / other)}.
     *
     * @param other the other side
     * @throws ArithmeticException if that is more than an int holds
     */
    public static int resizedSide(int side, int other, int shortSide) {
        return side <= other ? shortSide : Math.toIntExact((long) shortSide * side / other);
    }

    /**
     * A part of the picture in another size, {@link #crop} of {@link #resize} to the bit, without making the rest: a
     * thin picture costs no more than the part.
     *
     * @param width columns of the whole picture after resizing
     * @param height rows of the whole picture after resizing
     * @param part what to make of that
     */
    public static BufferedImage resizedPart(BufferedImage image, int width, int height, Rectangle part) {
        int w = image.getWidth();
        int h = image.getHeight();
        if (width == w && height == h) {
            return crop(image, part.x, part.y, part.width, part.height);
        }
        return ofRgb(Lanczos.resize(rgb(image), w, h, width, height, part), part.width, part.height);
    }

    /**
     * The centre crop of ADM (Dhariwal and Nichol 2021), which DiT and LlamaGen share: the middle of {@link #admPart}
     * with a short side of {@code side}, an odd remainder on the right and below.
     *
     * @param side rows and columns of the result, at least 1
     */
    public static BufferedImage admCrop(BufferedImage image, int side) {
        Dimension size = admSize(image.getWidth(), image.getHeight(), side);
        Rectangle middle = new Rectangle((size.width - side) / 2, (size.height - side) / 2, side, side);
        return admPart(image, side, middle);
    }

    /**
     * What {@link #admPart} resizes a picture to.
     *
     * @param shortSide at least 1
     * @throws ArithmeticException if a side is more than an int holds
     */
    public static Dimension admSize(int width, int height, int shortSide) {
        Dimension halved = halved(width, height, shortSide).getLast();
        double scale = (double) shortSide / Math.min(halved.width, halved.height);
        return new Dimension(
                Math.toIntExact((long) Math.rint(halved.width * scale)),
                Math.toIntExact((long) Math.rint(halved.height * scale)));
    }

    /**
     * A part of the picture resized as in ADM, with Pillow's pixels: both sides are halved (rounded down, box filter)
     * while the shorter one is at least {@code 2 shortSide}; then the shorter one becomes {@code shortSide} (bicubic,
     * the longer one rounded to the nearest, halves to even). Only the part is made in the last step.
     *
     * @param shortSide at least 1
     * @param part of the whole of {@link #admSize}
     */
    public static BufferedImage admPart(BufferedImage image, int shortSide, Rectangle part) {
        List<Dimension> sizes = halved(image.getWidth(), image.getHeight(), shortSide);
        int[] rgb = rgb(image);
        for (int i = 1; i < sizes.size(); i++) {
            Dimension from = sizes.get(i - 1);
            Rectangle half = new Rectangle(sizes.get(i));
            rgb = ByteResampler.resize(
                    ByteResampler.Filter.BOX, rgb, from.width, from.height, half.width, half.height, half);
        }
        Dimension last = sizes.getLast();
        Dimension whole = admSize(image.getWidth(), image.getHeight(), shortSide);
        return ofRgb(
                ByteResampler.resize(ByteResampler.Filter.BICUBIC, rgb, last.width, last.height, whole.width,
                        whole.height, part),
                part.width, part.height);
    }

    /** The picture's size and what halving makes of it. */
    private static List<Dimension> halved(int width, int height, int shortSide) {
        if (shortSide < 1) {
            throw new IllegalArgumentException("side: " + shortSide + " (expected at least 1)");
        }
        List<Dimension> sizes = new ArrayList<>(List.of(new Dimension(width, height)));
        while (Math.min(sizes.getLast().width, sizes.getLast().height) >= 2L * shortSide) {
            sizes.add(new Dimension(sizes.getLast().width / 2, sizes.getLast().height / 2));
        }
        return sizes;
    }

    /**
     * Pictures side by side in rows on white, each in a cell as large as the largest.
     *
     * @param columns cells in a row, at least 1
     * @param padding pixels between cells and around them
     */
    public static BufferedImage grid(List<BufferedImage> images, int columns, int padding) {
        if (images.isEmpty() || columns < 1 || padding < 0) {
            throw new IllegalArgumentException("grid: " + images.size() + " pictures, " + columns + " columns, padding "
                    + padding + " (expected at least 1, 1 and 0)");
        }
        int w = images.stream().mapToInt(BufferedImage::getWidth).max().getAsInt();
        int h = images.stream().mapToInt(BufferedImage::getHeight).max().getAsInt();
        int across = Math.min(columns, images.size());
        int down = (images.size() + columns - 1) / columns;
        int width = Math.addExact(padding, Math.multiplyExact(across, w + padding));
        int height = Math.addExact(padding, Math.multiplyExact(down, h + padding));
        int[] white = new int[Math.multiplyExact(width, height)];
        Arrays.fill(white, 0xffffff);
        BufferedImage grid = ofRgb(white, width, height);
        for (int i = 0; i < images.size(); i++) {
            BufferedImage image = images.get(i);
            int x = padding + i % columns * (w + padding);
            int y = padding + i / columns * (h + padding);
            grid.setRGB(x, y, image.getWidth(), image.getHeight(), rgb(image), 0, image.getWidth());
        }
        return grid;
    }

    /** The picture as a PNG file in memory. */
    public static byte[] png(BufferedImage image) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
            if (!ImageIO.write(image, "png", out)) {
                throw new IllegalStateException(
                        "this Java has no PNG writer (expected one in the module java.desktop)");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    /**
     * Writes a PNG file, which appears at once when complete, see {@link AtomicFiles}.
     *
     * @throws IOException if it cannot be written; the message names it
     */
    public static void writePng(Path path, BufferedImage image) throws IOException {
        try {
            AtomicFiles.write(path, png(image));
        } catch (FileSystemException e) {
            throw e; // names a file
        } catch (IOException e) { // such as a full disk, which the system tells without a name
            throw new IOException(path + ": cannot be written: " + e.getMessage(), e);
        }
    }

    /** A picture of the given pixels, 0xRRGGBB row by row; higher bits are ignored. Not modified. */
    static BufferedImage ofRgb(int[] rgb, int width, int height) {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        image.setRGB(0, 0, width, height, rgb, 0, width);
        return image;
    }

    private static int[] rgb(BufferedImage image) {
        return image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
    }

    private static int channel(int rgb, int c) {
        return rgb >> 16 - 8 * c & 0xff;
    }

    private static int luma(int rgb) {
        // Weights in 1/65536 that sum to one, so gray stays exactly what it is.
        return channel(rgb, 0) * 19595 + channel(rgb, 1) * 38470 + channel(rgb, 2) * 7471 + 0x8000 >> 16;
    }

    private static void requireChannels(int channels) {
        if (channels != 1 && channels != 3) {
            throw new IllegalArgumentException("channels: " + channels + " (expected 1 or 3)");
        }
    }
}
