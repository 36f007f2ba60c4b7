package org.aimjvm.cpu.conv;

import static org.aimjvm.cpu.memory.HeapStorage.floats;

import java.util.Arrays;
import org.aimjvm.backend.Conv2dShape;
import org.aimjvm.backend.ConvKernels;
import org.aimjvm.cpu.rows.VectorGroupNorm;

/**
 * The picture that a convolution sees, row by row: as it lies in memory, doubled by repeating pixels, or normalised and
 * put through silu, without ever being stored as a whole. Elements have the bits that {@link
 * VectorConvKernels#upsampleNearest2x} and {@link VectorGroupNorm#forward} would store.
 */
public final class PictureRows {
    private final float[] x;
    private final Conv2dShape s;
    private final boolean doubled;
    private final float[] stats; // null: x as it is
    private final float[] weight;
    private final float[] bias;
    private final int groups;

    /**
     * @param doubled whether x has half the height and width of {@code s}
     * @param norm {@code null} to take x as it is
     */
    public PictureRows(float[] x, Conv2dShape s, boolean doubled, ConvKernels.Norm norm) {
        this.x = x;
        this.s = s;
        this.doubled = doubled;
        this.stats = norm == null ? null : floats(norm.stats());
        this.weight = norm == null ? null : floats(norm.weight());
        this.bias = norm == null ? null : floats(norm.bias());
        this.groups = norm == null ? 1 : norm.groups();
    }

    /** Columns [col, col + count) of a row of channel c of picture n into {@code to}; 0 outside the picture. */
    void read(float[] to, int at, int n, int c, int row, int col, int count) {
        if (row < 0 || row >= s.inHeight()) {
            Arrays.fill(to, at, at + count, 0f);
            return;
        }
        int first = Math.clamp(-col, 0, count);
        int last = Math.clamp(s.inWidth() - col, first, count);
        Arrays.fill(to, at, at + first, 0f);
        Arrays.fill(to, at + last, at + count, 0f);
        int plane = n * s.inChannels() + c;
        if (doubled) {
            int width = s.inWidth() / 2;
            int from = (plane * (s.inHeight() / 2) + row / 2) * width;
            for (int j = first; j < last; j++) {
                to[at + j] = x[from + (col + j >> 1)];
            }
        } else {
            System.arraycopy(
                    x, (plane * s.inHeight() + row) * s.inWidth() + col + first, to, at + first, last - first);
        }
        if (stats != null) {
            int group = n * groups + c / (s.inChannels() / groups);
            float w = weight[c] * stats[2 * group + 1];
            VectorGroupNorm.affineSilu(to, to, at + first, last - first, stats[2 * group], w, bias[c]);
        }
    }
}
