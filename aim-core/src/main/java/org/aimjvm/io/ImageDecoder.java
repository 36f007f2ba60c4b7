package org.aimjvm.io;

import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/** Reads picture files into 8-bit RGB, whatever they are inside. */
final class ImageDecoder {
    private static final long MAX_PIXELS = 100_000_000;

    private ImageDecoder() {}

    static BufferedImage read(Path path) throws IOException {
        return decode(path, Files.readAllBytes(path));
    }

    /**
     * @param path for messages only
     * @param file a complete picture file. Not modified
     */
    static BufferedImage decode(Path path, byte[] file) throws IOException {
        try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(file))) {
            ImageReader reader = reader(path, in);
            try {
                reader.setInput(in, true, true);
                long pixels = (long) reader.getWidth(0) * reader.getHeight(0);
                if (pixels > MAX_PIXELS) {
                    throw new IOException(path + ": " + pixels + " pixels, expected at most " + MAX_PIXELS);
                }
                return toRgb(path, reader.read(0));
            } catch (RuntimeException e) {
                // The JDK's decoders meet damaged files with almost any runtime exception.
                throw new IOException(path + ": damaged picture: " + e, e);
            } finally {
                reader.dispose();
            }
        } catch (IOException e) {
            String message = String.valueOf(e.getMessage());
            throw message.startsWith(path.toString()) ? e : new IOException(path + ": " + message, e);
        }
    }

    private static ImageReader reader(Path path, ImageInputStream in) throws IOException {
        for (Iterator<ImageReader> it = ImageIO.getImageReaders(in); it.hasNext();) {
            ImageReader reader = it.next();
            // WBMP has no magic number to speak of and would claim many damaged files.
            if (!reader.getFormatName().equalsIgnoreCase("wbmp")) {
                return reader;
            }
        }
        throw new IOException(path + ": not a picture, expected PNG, JPEG, BMP or GIF");
    }

    private static BufferedImage toRgb(Path path, BufferedImage image) throws IOException {
        ColorModel model = image.getColorModel();
        int w = image.getWidth();
        int h = image.getHeight();
        if (!(model instanceof ComponentColorModel)) { // palettes and packed pixels
            int[] argb = image.getRGB(0, 0, w, h, null, 0, w);
            for (int i = 0; i < argb.length; i++) {
                int p = argb[i];
                argb[i] = onWhite(p >> 16 & 0xff, p >> 8 & 0xff, p & 0xff, p >>> 24, 255);
            }
            return Images.ofRgb(argb, w, h);
        }
        // Samples are taken as they are: getRGB would take gray for linear light and brighten it.
        int type = model.getColorSpace().getType();
        int bits = model.getComponentSize(0);
        if (type != ColorSpace.TYPE_GRAY && type != ColorSpace.TYPE_RGB || bits > 16) {
            throw new IOException(path + ": colour model " + model + ", expected gray or RGB of up to 16 bits");
        }
        return Images.ofRgb(fromSamples(image.getRaster(), (1 << bits) - 1, type == ColorSpace.TYPE_GRAY), w, h);
    }

    private static int[] fromSamples(Raster raster, int max, boolean gray) {
        int w = raster.getWidth();
        int bands = raster.getNumBands();
        int colors = gray ? 1 : 3;
        int[] rgb = new int[w * raster.getHeight()];
        int[] row = new int[w * bands];
        for (int y = 0; y < raster.getHeight(); y++) {
            raster.getPixels(raster.getMinX(), raster.getMinY() + y, w, 1, row);
            for (int x = 0; x < w; x++) {
                int p = x * bands;
                int alpha = bands > colors ? row[p + colors] : max;
                rgb[y * w + x] = onWhite(row[p], row[gray ? p : p + 1], row[gray ? p : p + 2], alpha, max);
            }
        }
        return rgb;
    }

    /** 0xRRGGBB of a colour with opacity {@code alpha}, all from 0 to {@code max}, on white. */
    private static int onWhite(int r, int g, int b, int alpha, int max) {
        return mix(r, alpha, max) << 16 | mix(g, alpha, max) << 8 | mix(b, alpha, max);
    }

    private static int mix(int value, int alpha, int max) {
        long scaled = 255L * ((long) value * alpha + (long) max * (max - alpha));
        long whole = (long) max * max;
        return (int) ((scaled + whole / 2) / whole);
    }
}
