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
import java.util.Arrays;
import java.util.Iterator;
import java.util.Locale;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;
import org.aimjvm.io.PictureHeader.Format;

/** Reads picture files into 8-bit RGB, whatever they are inside. */
final class ImageDecoder {
    private ImageDecoder() {}

    static BufferedImage read(Path path, boolean upright) throws IOException {
        byte[] file;
        try {
            file = Files.readAllBytes(path);
        } catch (IOException e) {
            throw PictureHeader.named(path, e);
        }
        return decode(path, file, upright);
    }

    /**
     * Decodes a file after its header and end were checked, so that a file that claims too much costs nothing.
     *
     * @param path for messages only
     * @param file a complete picture file. Not modified
     * @param upright whether the orientation tag is honoured
     */
    static BufferedImage decode(Path path, byte[] file, boolean upright) throws IOException {
        PictureBytes bytes = PictureBytes.of(file);
        try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(file))) {
            PictureHeader header = PictureHeader.of(bytes);
            ImageReader reader = reader(header.format(), in);
            try {
                reader.setInput(in, true, true);
                BufferedImage image =
                        header.format() == Format.JPEG ? jpeg(reader, bytes) : other(reader, header, bytes);
                return upright ? turned(image, ExifOrientation.of(header.format(), bytes)) : image;
            } catch (RuntimeException e) {
                // The JDK's decoders meet damaged files with almost any runtime exception.
                throw new IOException(path + ": damaged picture: " + e, e);
            } finally {
                reader.dispose();
            }
        } catch (IOException e) {
            throw PictureHeader.named(path, e);
        }
    }

    /**
     * The JDK's own reader, so that others on the class path change no picture; another only for what the JDK cannot
     * read.
     */
    private static ImageReader reader(Format format, ImageInputStream in) throws IOException {
        String name = format.name().toLowerCase(Locale.ROOT);
        ImageReader found = null;
        for (Iterator<ImageReader> it = ImageIO.getImageReadersByFormatName(name); it.hasNext();) {
            ImageReader reader = it.next();
            if (reader.getClass().getModule() == ImageIO.class.getModule()) {
                return reader;
            }
            found = found == null && reader.getOriginatingProvider().canDecodeInput(in) ? reader : found;
        }
        if (found == null) {
            throw new IOException("no reader for " + format + " files is there, expected one on the class path"
                    + " (com.twelvemonkeys.imageio:imageio-webp is one)");
        }
        return found;
    }

    /** Whether this Java can read files of a format; WebP needs a reader that not every application has. */
    static boolean canRead(Format format) {
        return ImageIO.getImageReadersByFormatName(format.name().toLowerCase(Locale.ROOT)).hasNext();
    }

    private static BufferedImage jpeg(ImageReader reader, PictureBytes bytes) throws IOException {
        String[] damage = {null};
        reader.addIIOReadWarningListener((_, warning) -> {
            // The decoder fills with gray what is missing and only warns; what else it warns of does no harm.
            if (warning.toLowerCase(Locale.ROOT).contains("premature end")) {
                damage[0] = warning;
            }
        });
        Raster raster = reader.readRaster(0, null);
        if (damage[0] != null) {
            throw new IOException("damaged JPEG: " + damage[0]);
        }
        int[] rgb = JpegColors.rgb(raster, JpegHeader.of(bytes).colors());
        return Images.ofRgb(rgb, raster.getWidth(), raster.getHeight());
    }

    private static BufferedImage other(ImageReader reader, PictureHeader header, PictureBytes bytes)
            throws IOException {
        BufferedImage decoded = reader.read(0);
        BufferedImage image = toRgb(decoded, header.format());
        if (header.format() != Format.GIF
                || image.getWidth() == header.width() && image.getHeight() == header.height()) {
            return image;
        }
        GifFrame frame = GifFrame.of(bytes);
        int[] white = new int[header.width() * header.height()];
        Arrays.fill(white, 0xffffff);
        BufferedImage canvas = Images.ofRgb(white, header.width(), header.height());
        canvas.getRaster().setDataElements(frame.left(), frame.top(), image.getRaster());
        return canvas;
    }

    private static BufferedImage turned(BufferedImage image, int orientation) {
        int w = image.getWidth();
        int h = image.getHeight();
        int[] rgb = image.getRGB(0, 0, w, h, null, 0, w);
        int[] upright = ExifOrientation.upright(rgb, w, h, orientation);
        boolean swaps = ExifOrientation.swaps(orientation);
        return rgb == upright ? image : Images.ofRgb(upright, swaps ? h : w, swaps ? w : h);
    }

    private static BufferedImage toRgb(BufferedImage image, Format format) throws IOException {
        ColorModel model = image.getColorModel();
        int w = image.getWidth();
        int h = image.getHeight();
        if (!(model instanceof ComponentColorModel)) { // palettes and packed pixels
            int[] argb = image.getRGB(0, 0, w, h, null, 0, w);
            // Old programs leave the fourth byte of BMP pixels at 0, which they never meant as invisible.
            int opaque = format == Format.BMP && Arrays.stream(argb).allMatch(p -> p >>> 24 == 0) ? 0xff000000 : 0;
            for (int i = 0; i < argb.length; i++) {
                int p = argb[i] | opaque;
                argb[i] = onWhite(p >> 16 & 0xff, p >> 8 & 0xff, p & 0xff, p >>> 24, 255);
            }
            return Images.ofRgb(argb, w, h);
        }
        // Samples are taken as they are: getRGB would take gray for linear light and brighten it.
        int type = model.getColorSpace().getType();
        int bits = model.getComponentSize(0);
        if (type != ColorSpace.TYPE_GRAY && type != ColorSpace.TYPE_RGB || bits > 16) {
            throw new IOException("colour space " + type + " of " + bits + " bits, expected gray or RGB of up to 16");
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
