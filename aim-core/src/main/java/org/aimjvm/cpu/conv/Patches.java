package org.aimjvm.cpu.conv;

import java.util.Arrays;
import org.aimjvm.backend.Conv2dShape;

/**
 * A convolution as a matrix (im2col): row (c, u, v) of the matrix of patches holds, for every output of a block of
 * output rows, the pixel under tap (u, v) of channel c.
 */
final class Patches {
    private Patches() {}

    /**
     * Which patches: those of channels {@code [c0, c1)} of picture n under output rows {@code [i0, i0 + rows)}.
     */
    record Block(int n, int c0, int c1, int i0, int rows) {
        /** All channels. */
        static Block of(int n, int i0, int rows, Conv2dShape s) {
            return new Block(n, 0, s.inChannels(), i0, rows);
        }
    }

    /**
     * Puts the patches of a block, 0 in the padding, into a matrix from its element {@code at} on, whose rows are {@code
     * ld} apart: a matrix may hold several blocks side by side.
     */
    static void fill(float[] patches, int at, int ld, float[] xs, Block b, Conv2dShape s) {
        int width = s.outWidth();
        int rows = b.rows;
        int row0 = at;
        for (int c = b.c0; c < b.c1; c++) {
            int plane = (b.n * s.inChannels() + c) * s.inHeight() * s.inWidth();
            for (int u = 0; u < s.kernelHeight(); u++) {
                for (int v = 0; v < s.kernelWidth(); v++, row0 += ld) {
                    // outputs j0 to j1 have their pixel inside the picture: 0 <= j stride + v - padLeft < inWidth
                    int j0 = Math.clamp(Math.ceilDiv(s.padLeft() - v, s.stride()), 0, width);
                    int j1 = Math.clamp(Math.ceilDiv(s.inWidth() + s.padLeft() - v, s.stride()), j0, width);
                    if (s.stride() == 1 && width == s.inWidth()) {
                        shiftedRows(
                                patches, row0, xs, plane, b.i0 + u - s.padTop(), rows, v - s.padLeft(), j0, j1, s);
                        continue;
                    }
                    int to = row0;
                    for (int i = b.i0; i < b.i0 + rows; i++, to += width) {
                        int row = i * s.stride() + u - s.padTop();
                        if (row < 0 || row >= s.inHeight()) {
                            Arrays.fill(patches, to, to + width, 0f);
                            continue;
                        }
                        Arrays.fill(patches, to, to + j0, 0f);
                        int from = plane + row * s.inWidth() + j0 * s.stride() + v - s.padLeft();
                        if (s.stride() == 1) {
                            System.arraycopy(xs, from, patches, to + j0, j1 - j0);
                        } else {
                            for (int j = j0; j < j1; j++, from += s.stride()) {
                                patches[to + j] = xs[from];
                            }
                        }
                        Arrays.fill(patches, to + j1, to + width, 0f);
                    }
                }
            }
        }
    }

    /**
     * Patches of one tap where outputs lie as pixels do: the picture from {@code row} on, moved by {@code shift}
     * columns, is one run of memory, in which the columns outside [j0, j1) are then cleared. So a call copies a whole
     * plane, not a row.
     */
    private static void shiftedRows(
            float[] patches, int at, float[] xs, int plane, int row, int rows, int shift, int j0, int j1,
            Conv2dShape s) {
        int width = s.inWidth();
        int first = Math.clamp(-row, 0, rows);
        int last = Math.clamp(s.inHeight() - row, first, rows);
        Arrays.fill(patches, at, at + first * width, 0f);
        Arrays.fill(patches, at + last * width, at + rows * width, 0f);
        if (first < last && j0 < j1) {
            int from = plane + (row + first) * width + j0 + shift;
            System.arraycopy(xs, from, patches, at + first * width + j0, (last - first - 1) * width + j1 - j0);
        }
        for (int i = at + first * width; i < at + last * width; i += width) {
            for (int j = 0; j < j0; j++) {
                patches[i + j] = 0;
            }
            for (int j = j1; j < width; j++) {
                patches[i + j] = 0;
            }
        }
    }

    /** Adds the elements of a matrix of patches to the pixels they stand for. */
    static void addTo(float[] dxs, float[] patches, int n, int i0, int rows, Conv2dShape s) {
        int at = 0;
        int width = s.outWidth();
        for (int c = 0; c < s.inChannels(); c++) {
            int plane = (n * s.inChannels() + c) * s.inHeight() * s.inWidth();
            for (int u = 0; u < s.kernelHeight(); u++) {
                for (int v = 0; v < s.kernelWidth(); v++) {
                    int j0 = Math.clamp(Math.ceilDiv(s.padLeft() - v, s.stride()), 0, width);
                    int j1 = Math.clamp(Math.ceilDiv(s.inWidth() + s.padLeft() - v, s.stride()), j0, width);
                    for (int i = i0; i < i0 + rows; i++, at += width) {
                        int row = i * s.stride() + u - s.padTop();
                        if (row >= 0 && row < s.inHeight()) {
                            int to = plane + row * s.inWidth() + j0 * s.stride() + v - s.padLeft();
                            for (int j = j0; j < j1; j++, to += s.stride()) {
                                dxs[to] += patches[at + j];
                            }
                        }
                    }
                }
            }
        }
    }
}
