package org.aimjvm.io;

import java.io.EOFException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * The header of a picture file: what its first and its last bytes say, read without decoding it: format, size, and that
 * the file is whole as far as its format tells. A JPEG needs its end mark after the first scan, a PNG its IEND chunk, a
 * GIF its trailer, a BMP all rows, a WebP the length it states.
 *
 * <p>A size is believed only if a file of that length can hold it. What one byte holds at most: 512 pixels of JPEG (a
 * bit for a block), 1032 bytes of PNG rows (deflate's limit), 2731 pixels of GIF (12 bits for the longest string), 128
 * of a BMP with run lengths, 4096 of WebP. The canvas of the last three may have a million pixels in any case, since
 * frames can be smaller.
 *
 * @param width columns as stored, before an orientation tag is honoured
 * @param height rows as stored
 * @param fileSize length of the file in bytes
 * @param checksum of the first and the last 4096 bytes
 */
public record PictureHeader(Format format, int width, int height, long fileSize, int checksum) {
    /** Kinds of picture files that are read. */
    public enum Format {
        JPEG, PNG, GIF, BMP, WEBP
    }

    /** Pictures of more pixels than this are not read. */
    public static final long MAX_PIXELS = 100_000_000;

    private static final long SMALL_CANVAS = 1 << 20;
    private static final int JPEG_PIXELS_PER_BYTE = 512;
    private static final int DEFLATE_RATIO = 1032;
    private static final int GIF_PIXELS_PER_BYTE = 2731;
    private static final int RLE_PIXELS_PER_BYTE = 128;
    private static final int WEBP_PIXELS_PER_BYTE = 4096;
    /** How far from the end the end mark is looked for: programs append things. */
    private static final int TRAILER_REACH = 1 << 16;
    private static final int LAST_FRAME_CODING = 2;

    /**
     * Reads and checks the header and the end of a file: two short reads for almost all files.
     *
     * @throws IOException if it cannot be read, is no picture, or not a whole one; the message begins with the file's
     *     name
     */
    public static PictureHeader read(Path path) throws IOException {
        try (PictureBytes bytes = PictureBytes.open(path)) {
            return of(bytes);
        } catch (IOException e) {
            throw named(path, e);
        }
    }

    /** {@code e} with a message that begins with the file's name. */
    static IOException named(Path path, IOException e) {
        if (e instanceof NoSuchFileException) {
            return e;
        }
        String reason = e instanceof AccessDeniedException ? "permission denied" : String.valueOf(e.getMessage());
        return reason.startsWith(path + ": ") ? e : new IOException(path + ": " + reason, e);
    }

    static PictureHeader of(PictureBytes bytes) throws IOException {
        if (bytes.size() == 0) {
            throw new IOException("an empty file, expected a picture");
        }
        if (bytes.has(0, "\u00ff\u00d8\u00ff")) {
            return jpeg(bytes);
        } else if (bytes.has(0, "\u0089PNG\r\n\u001a\n")) {
            return png(bytes);
        } else if (bytes.has(0, "GIF87a") || bytes.has(0, "GIF89a")) {
            return gif(bytes);
        } else if (bytes.has(0, "BM") && bytes.size() >= 26) {
            return bmp(bytes);
        } else if (bytes.has(0, "RIFF") && bytes.has(8, "WEBP")) {
            return webp(bytes);
        }
        throw new IOException("not a picture, expected PNG, JPEG, GIF, BMP or WebP");
    }

    private static PictureHeader jpeg(PictureBytes bytes) throws IOException {
        JpegHeader header = JpegHeader.of(bytes);
        if (header.coding() > LAST_FRAME_CODING) {
            throw new IOException("a JPEG with coding " + header.coding() + " (lossless, hierarchical or arithmetic),"
                    + " expected baseline or progressive");
        }
        if (header.samples() != 8 || header.colors() == JpegHeader.Colors.UNKNOWN) {
            throw new IOException("a JPEG of " + header.samples() + " bits or an unknown number of components,"
                    + " expected 8 bits and 1, 3 or 4 components");
        }
        PictureHeader picture = sized(bytes, Format.JPEG, header.width(), header.height());
        requireJustified(bytes, picture, JPEG_PIXELS_PER_BYTE * bytes.size());
        requireEnd(bytes, "\u00ff\u00d9", header.scans());
        return picture;
    }

    private static PictureHeader png(PictureBytes bytes) throws IOException {
        if (!bytes.has(12, "IHDR")) {
            throw new IOException("damaged PNG: no header");
        }
        PictureHeader picture = sized(bytes, Format.PNG, bytes.u32(16), bytes.u32(20));
        int channels = switch (bytes.u8(25)) {
            case 2 -> 3;
            case 4 -> 2;
            case 6 -> 4;
            default -> 1;
        };
        long rows = picture.height * (1 + ((long) picture.width * channels * bytes.u8(24) + 7) / 8);
        if (rows > DEFLATE_RATIO * bytes.size()) {
            throw unjustified(bytes, picture);
        }
        requireEnd(bytes, "IEND\u00aeB`\u0082", 33);
        return picture;
    }

    private static PictureHeader gif(PictureBytes bytes) throws IOException {
        GifFrame frame = GifFrame.of(bytes);
        PictureHeader picture = sized(bytes, Format.GIF, frame.canvasWidth(), frame.canvasHeight());
        requireJustified(bytes, picture, Math.max(SMALL_CANVAS, GIF_PIXELS_PER_BYTE * bytes.size()));
        long end = bytes.size() - 1;
        long least = Math.max(0, end - TRAILER_REACH);
        while (end > least && bytes.u8(end) == 0) {
            end--;
        }
        if (bytes.u8(end) != ';') {
            throw new EOFException("ends early, without the end mark of a GIF (is it complete?)");
        }
        return picture;
    }

    private static PictureHeader bmp(PictureBytes bytes) throws IOException {
        long offset = bytes.u32le(10);
        boolean old = bytes.u32le(14) == 12;
        long width = old ? bytes.u16le(18) : (int) bytes.u32le(18);
        long height = old ? bytes.u16le(20) : Math.abs((long) (int) bytes.u32le(22));
        int bits = bytes.u16le(old ? 24 : 28);
        long compression = old ? 0 : bytes.u32le(30);
        PictureHeader picture = sized(bytes, Format.BMP, width, height);
        boolean runs = compression == 1 || compression == 2;
        if (runs) {
            requireJustified(bytes, picture, Math.max(SMALL_CANVAS, RLE_PIXELS_PER_BYTE * bytes.size()));
        }
        long data = runs ? bytes.u32le(34) : (width * bits + 31) / 32 * 4 * height;
        if (offset + data > bytes.size()) {
            throw new EOFException("ends early: " + bytes.size() + " bytes, expected " + (offset + data) + " for "
                    + width + " x " + height + " pixels");
        }
        return picture;
    }

    private static PictureHeader webp(PictureBytes bytes) throws IOException {
        long length = 8 + bytes.u32le(4);
        if (length > bytes.size()) {
            throw new EOFException("ends early: " + bytes.size() + " bytes, expected " + length);
        }
        long width;
        long height;
        if (bytes.has(12, "VP8X")) {
            width = 1 + (bytes.u32le(24) & 0xffffff);
            height = 1 + (bytes.u32le(26) >> 8);
        } else if (bytes.has(12, "VP8L")) {
            long sizes = bytes.u32le(21);
            width = 1 + (sizes & 0x3fff);
            height = 1 + (sizes >> 14 & 0x3fff);
        } else {
            width = bytes.u16le(26) & 0x3fff;
            height = bytes.u16le(28) & 0x3fff;
        }
        PictureHeader picture = sized(bytes, Format.WEBP, width, height);
        requireJustified(bytes, picture, Math.max(SMALL_CANVAS, WEBP_PIXELS_PER_BYTE * bytes.size()));
        return picture;
    }

    private static PictureHeader sized(PictureBytes bytes, Format format, long width, long height) throws IOException {
        if (width < 1 || height < 1) {
            throw new IOException(width + " x " + height + " pixels, expected at least 1 x 1");
        }
        if (width > Integer.MAX_VALUE || height > Integer.MAX_VALUE || width * height > MAX_PIXELS) {
            throw new IOException(width * height + " pixels, expected at most " + MAX_PIXELS);
        }
        return new PictureHeader(format, (int) width, (int) height, bytes.size(), bytes.checksum());
    }

    private static void requireJustified(PictureBytes bytes, PictureHeader picture, long most) throws IOException {
        if ((long) picture.width * picture.height > most) {
            throw unjustified(bytes, picture);
        }
    }

    private static IOException unjustified(PictureBytes bytes, PictureHeader picture) {
        return new IOException("claims " + picture.width + " x " + picture.height + " pixels, more than its "
                + bytes.size() + " bytes can hold (is it complete?)");
    }

    private static void requireEnd(PictureBytes bytes, String mark, long from) throws IOException {
        if (bytes.lastIndexOf(mark, from, TRAILER_REACH) < 0) {
            throw new EOFException("ends early, without its end mark (is it complete?)");
        }
    }
}
