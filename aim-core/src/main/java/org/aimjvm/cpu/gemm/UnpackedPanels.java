package org.aimjvm.cpu.gemm;

import static org.aimjvm.cpu.simd.Simd.PANEL;

import java.util.Arrays;
import org.aimjvm.cpu.gemm.WeightBuffers.Name;
import org.aimjvm.cpu.gemm.WeightBuffers.OfThread;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.memory.Warmth;

/**
 * Panels that are made floats of in the cache for products of many rows, which then go as in {@link VectorGemmKernels}:
 * for few rows that costs more than reading the panel again for each pair.
 */
abstract class UnpackedPanels extends PanelWeights {
    /** Inputs of a block: the longer, the less the start and the end of a tile weigh. */
    private static final int DEPTH = 384;

    /** Rows up to which pairs of rows are faster. */
    private final int fewRows;

    UnpackedPanels(int out, int in, int fewRows, WeightBuffers buffers) {
        super(out, in, buffers);
        this.fewRows = fewRows;
    }

    @Override
    public final void multiply(float[] y, float[] x, int rows, Parallel parallel) {
        if (rows <= fewRows) {
            super.multiply(y, x, rows, parallel);
        } else {
            parallel.forRange(panels, 1, (from, to) -> {
                if (Warmth.isCold()) {
                    pairs(y, x, rows, from, to);
                    return;
                }
                OfThread own = buffers.get();
                float[] block = own.floats(Name.UNPACKED, DEPTH * PANEL);
                float[] rim = own.floats(Name.RIM, GemmTile.RIM);
                for (int panel = from; panel < to; panel++) {
                    many(y, x, rows, panel, block, rim);
                }
            });
        }
    }

    /** The outputs of a panel for all rows. */
    private void many(float[] y, float[] x, int rows, int panel, float[] block, float[] rim) {
        int first = panel * PANEL;
        int end = Math.min(out, first + PANEL);
        for (int r = 0; r < rows; r++) {
            Arrays.fill(y, r * out + first, r * out + end, 0f);
        }
        for (int k = 0; k < in; k += DEPTH) {
            int depth = Math.min(DEPTH, in - k);
            unpack(panel, k, depth, block);
            for (int r = 0; r < rows; r += GemmTile.ROWS) {
                int height = Math.min(GemmTile.ROWS, rows - r);
                for (int j = first; j < end; j += GemmTile.COLS) {
                    int width = Math.min(GemmTile.COLS, end - j);
                    int to = r * out + j;
                    GemmTile.run(height, width, depth, x, r * in + k, in, block, (j - first) * depth, y, to, out,
                            y, to, out, rim, 0);
                }
            }
        }
        for (int r = 0; r < rows; r++) {
            finish(y, r * out + first, first, end - first);
        }
    }

    /** Applied to finished sums of {@code count} outputs from {@code j} on: scales of rows of W. */
    void finish(float[] y, int yAt, int j, int count) {
        // sums are results
    }

    /**
     * The factors of inputs [k, k + depth) of a panel as floats, in panels of {@link GemmTile#COLS} as {@link GemmTile}
     * wants them.
     *
     * @param k an even number
     */
    abstract void unpack(int panel, int k, int depth, float[] block);

    /**
     * Where the factor of output {@code lane} of a panel for input {@code k} of a block goes in what {@link #unpack}
     * makes.
     */
    static int unpacked(int depth, int k, int lane) {
        return lane / GemmTile.COLS * GemmTile.COLS * depth + k * GemmTile.COLS + lane % GemmTile.COLS;
    }
}
