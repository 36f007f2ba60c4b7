package org.aimjvm.io;

import java.io.IOException;
import java.util.Arrays;

/**
 * The header of a JPEG file up to its first scan, and how its samples are to be understood.
 *
 * <p>The colours follow the rules of libjpeg, which all the world's files are made for: with three components, JFIF
 * files hold YCbCr, else Adobe's marker tells, else the component ids ("RGB" or not); with four, Adobe's marker tells
 * YCCK from CMYK.
 *
 * @param samples bits per sample
 * @param coding number of the SOF marker: 0 baseline, 1 extended, 2 progressive
 * @param colors how components become colours
 * @param scans position of the first scan's marker
 * @param exif position of the TIFF header of an Exif block, or -1
 */
record JpegHeader(int width, int height, int samples, int coding, Colors colors, long scans, long exif) {
    /** How samples become red, green and blue. */
    enum Colors {
        GRAY, RGB, YCC, CMYK, YCCK, UNKNOWN
    }

    private static final int SOF0 = 0xc0;
    private static final int DHT = 0xc4;
    private static final int JPG = 0xc8;
    private static final int DAC = 0xcc;
    private static final int SOF15 = 0xcf;
    private static final int TEM = 0x01;
    private static final int RST0 = 0xd0;
    private static final int SOI = 0xd8;
    private static final int EOI = 0xd9;
    private static final int SOS = 0xda;
    private static final int APP0 = 0xe0;
    private static final int APP1 = 0xe1;
    private static final int APP14 = 0xee;
    private static final int[] RGB_IDS = {'R', 'G', 'B'};
    private static final int NONE = -1;

    /** What the markers have said so far. */
    private static final class Markers {
        private long frame = NONE;
        private int coding;
        private boolean jfif;
        private int adobe = NONE;
        private long exif = NONE;
    }

    /** @throws IOException if this is no JPEG or ends before its first scan */
    static JpegHeader of(PictureBytes bytes) throws IOException {
        Markers markers = new Markers();
        long at = 2;
        while (true) {
            while (bytes.u8(at) != 0xff) { // libjpeg too passes over stray bytes between segments
                at++;
            }
            while (bytes.u8(at) == 0xff) {
                at++;
            }
            int marker = bytes.u8(at++);
            if (marker == SOS) {
                return header(bytes, markers, at - 2);
            }
            if (marker == EOI) {
                throw new IOException("a JPEG without a picture");
            }
            if (marker == 0 || marker == TEM || marker >= RST0 && marker <= SOI) {
                continue;
            }
            int length = bytes.u16(at);
            if (length < 2) {
                throw new IOException("damaged JPEG: a segment of " + length + " bytes, expected at least 2");
            }
            note(bytes, marker, at + 2, length - 2, markers);
            at += length;
        }
    }

    private static void note(PictureBytes bytes, int marker, long at, int length, Markers markers) throws IOException {
        boolean frame = marker >= SOF0 && marker <= SOF15 && marker != DHT && marker != JPG && marker != DAC;
        if (frame && markers.frame == NONE) {
            markers.frame = at;
            markers.coding = marker - SOF0;
        } else if (marker == APP0 && length >= 14 && bytes.has(at, "JFIF\0")) {
            markers.jfif = true;
        } else if (marker == APP14 && length >= 12 && bytes.has(at, "Adobe")) {
            markers.adobe = bytes.u8(at + 11);
        } else if (marker == APP1 && markers.exif == NONE && bytes.has(at, "Exif\0\0")) {
            markers.exif = at + 6;
        }
    }

    private static JpegHeader header(PictureBytes bytes, Markers markers, long scans) throws IOException {
        if (markers.frame == NONE) {
            throw new IOException("damaged JPEG: a scan before the size of the picture");
        }
        long at = markers.frame;
        int components = bytes.u8(at + 5);
        int[] ids = new int[components];
        for (int i = 0; i < components; i++) {
            ids[i] = bytes.u8(at + 6 + 3 * i);
        }
        return new JpegHeader(
                bytes.u16(at + 3), bytes.u16(at + 1), bytes.u8(at), markers.coding, colors(ids, markers), scans,
                markers.exif);
    }

    private static Colors colors(int[] ids, Markers markers) {
        return switch (ids.length) {
            case 1 -> Colors.GRAY;
            case 3 -> !markers.jfif && (markers.adobe == NONE ? Arrays.equals(ids, RGB_IDS) : markers.adobe == 0)
                    ? Colors.RGB
                    : Colors.YCC;
            case 4 -> markers.adobe > 0 ? Colors.YCCK : Colors.CMYK;
            default -> Colors.UNKNOWN;
        };
    }
}
