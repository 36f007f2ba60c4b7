package org.aimjvm.io;

import java.io.EOFException;
import java.io.IOException;

/**
 * How a picture is to be turned before it is looked at: the tag 0x0112 that cameras write into JPEG files, and some
 * programs into PNG and WebP. 1 is as stored, 2 mirrored, 3 turned by 180 degrees, 4 upside down, 5 to 8 the same with
 * rows and columns exchanged.
 */
final class ExifOrientation {
    private static final int AS_STORED = 1;
    private static final int TAG = 0x0112;
    private static final int SHORT = 3;

    private ExifOrientation() {}

    /** The orientation of a whole file, 1 to 8; 1 if it says nothing or nothing sensible. */
    static int of(PictureHeader.Format format, PictureBytes bytes) throws IOException {
        long tiff = switch (format) {
            case JPEG -> JpegHeader.of(bytes).exif();
            case PNG -> chunk(bytes, 8, "eXIf", true);
            case WEBP -> chunk(bytes, 12, "EXIF", false);
            case GIF, BMP -> -1;
        };
        if (tiff < 0) {
            return AS_STORED;
        }
        try {
            return read(bytes, bytes.has(tiff, "Exif\0\0") ? tiff + 6 : tiff);
        } catch (EOFException e) {
            return AS_STORED; // the tag is a hint: a block cut short loses it, as other readers have it too
        }
    }

    /** Where the content of the first chunk {@code name} of a PNG or a RIFF file begins, or -1. */
    private static long chunk(PictureBytes bytes, long first, String name, boolean png) throws IOException {
        for (long at = first; at + 8 <= bytes.size();) {
            long length = png ? bytes.u32(at) : bytes.u32le(at + 4);
            if (bytes.has(png ? at + 4 : at, name)) {
                return at + 8;
            }
            at += png ? 12 + length : 8 + length + (length & 1);
        }
        return -1;
    }

    private static int read(PictureBytes bytes, long tiff) throws IOException {
        boolean little = bytes.has(tiff, "II*\0");
        if (!little && !bytes.has(tiff, "MM\0*")) {
            return AS_STORED;
        }
        long at = tiff + (little ? bytes.u32le(tiff + 4) : bytes.u32(tiff + 4));
        int entries = little ? bytes.u16le(at) : bytes.u16(at);
        for (int i = 0; i < entries; i++) {
            long entry = at + 2 + 12L * i;
            int tag = little ? bytes.u16le(entry) : bytes.u16(entry);
            int type = little ? bytes.u16le(entry + 2) : bytes.u16(entry + 2);
            if (tag == TAG && type == SHORT) {
                int value = little ? bytes.u16le(entry + 8) : bytes.u16(entry + 8);
                return value >= 1 && value <= 8 ? value : AS_STORED;
            }
        }
        return AS_STORED;
    }

    /** Whether rows and columns are exchanged. */
    static boolean swaps(int orientation) {
        return orientation > 4;
    }

    /**
     * Turns a picture upright.
     *
     * @param rgb (h, w) pixels. Not modified
     * @param orientation 1 to 8
     * @return (h, w) pixels, or (w, h) if {@link #swaps}
     */
    static int[] upright(int[] rgb, int w, int h, int orientation) {
        if (orientation == AS_STORED) {
            return rgb;
        }
        int width = swaps(orientation) ? h : w;
        int height = swaps(orientation) ? w : h;
        int[] out = new int[rgb.length];
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                out[y * width + x] = switch (orientation) {
                    case 2 -> rgb[y * w + w - 1 - x];
                    case 3 -> rgb[(h - 1 - y) * w + w - 1 - x];
                    case 4 -> rgb[(h - 1 - y) * w + x];
                    case 5 -> rgb[x * w + y];
                    case 6 -> rgb[(h - 1 - x) * w + y];
                    case 7 -> rgb[(h - 1 - x) * w + w - 1 - y];
                    case 8 -> rgb[x * w + w - 1 - y];
                    default -> throw new IllegalArgumentException(
                            "orientation: " + orientation + " (expected 1 to 8)");
                };
            }
        }
        return out;
    }
}
