package org.aimjvm.io;

import java.awt.image.Raster;
import org.aimjvm.io.JpegHeader.Colors;

/**
 * The samples of a JPEG as 8-bit RGB, with the fixed-point arithmetic of libjpeg: {@code R = Y + 1.402 (Cr - 128)},
 * {@code G = Y - 0.34414 (Cb - 128) - 0.71414 (Cr - 128)}, {@code B = Y + 1.772 (Cb - 128)}. Four components are
 * inverted, as Adobe began it and all programs write them: {@code R = C K / 255} of the stored values, without a colour
 * profile. YCCK is CMYK whose first three were taken for inverted RGB and brought to YCbCr.
 */
final class JpegColors {
    private static final int HALF = 1 << 15;
    private static final int R_CR = fixed(1.40200);
    private static final int G_CB = fixed(0.34414);
    private static final int G_CR = fixed(0.71414);
    private static final int B_CB = fixed(1.77200);

    private JpegColors() {}

    private static int fixed(double x) {
        return (int) (x * (1 << 16) + 0.5);
    }

    /**
     * Converts the samples.
     *
     * @param raster as decoded, without any conversion. Not modified
     * @param colors how its bands are to be understood; not {@link Colors#UNKNOWN}
     * @return (height, width) pixels 0xRRGGBB
     */
    static int[] rgb(Raster raster, Colors colors) {
        int w = raster.getWidth();
        int h = raster.getHeight();
        int bands = raster.getNumBands();
        int[] out = new int[w * h];
        int[] row = new int[w * bands];
        for (int y = 0; y < h; y++) {
            raster.getPixels(raster.getMinX(), raster.getMinY() + y, w, 1, row);
            for (int x = 0; x < w; x++) {
                int p = x * bands;
                out[y * w + x] = switch (colors) {
                    case GRAY -> row[p] * 0x010101;
                    case RGB -> row[p] << 16 | row[p + 1] << 8 | row[p + 2];
                    case YCC -> ycc(row[p], row[p + 1], row[p + 2]);
                    case CMYK -> inked(row[p] << 16 | row[p + 1] << 8 | row[p + 2], row[p + 3]);
                    case YCCK -> inked(0xffffff ^ ycc(row[p], row[p + 1], row[p + 2]), row[p + 3]);
                    case UNKNOWN -> throw new IllegalArgumentException("colors: UNKNOWN (expected a known kind)");
                };
            }
        }
        return out;
    }

    private static int ycc(int y, int blue, int red) {
        int cb = blue - 128;
        int cr = red - 128;
        int r = y + (R_CR * cr + HALF >> 16);
        int g = y + (-G_CB * cb - G_CR * cr + HALF >> 16);
        int b = y + (B_CB * cb + HALF >> 16);
        return Math.clamp(r, 0, 255) << 16 | Math.clamp(g, 0, 255) << 8 | Math.clamp(b, 0, 255);
    }

    /** Each of the three bytes times {@code k / 255}, rounded. */
    private static int inked(int cmy, int k) {
        return inked(cmy >> 16 & 0xff, k, 16) | inked(cmy >> 8 & 0xff, k, 8) | inked(cmy & 0xff, k, 0);
    }

    private static int inked(int c, int k, int shift) {
        return (c * k + 127) / 255 << shift;
    }
}
