package org.aimjvm.cpu.gemm;

import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.aimjvm.cpu.simd.VectorTranspose;

/**
 * Copies blocks of matrices into the order in which {@link GemmTile} reads them.
 *
 * <p>B is cut into panels of {@link GemmTile#COLS} columns. The panel of columns {@code [j, j + COLS)} starts at {@code
 * j * depth} and holds {@code depth} rows of {@code COLS} floats, zero beyond the last column up to the next full
 * vector.
 */
final class GemmPacking {
    private GemmPacking() {}

    /** Columns rounded up to whole panels. */
    static int padded(int columns) {
        return (columns + GemmTile.COLS - 1) / GemmTile.COLS * GemmTile.COLS;
    }

    /**
     * Rows {@code [p0, p1)} of panels of {@code depth} rows, which begin at {@code panelsOff}, of B stored (depth,
     * width) with rows {@code ldb} apart.
     */
    static void rows(
            float[] panels, int panelsOff, float[] b, int bOff, int ldb, int depth, int p0, int p1, int width) {
        int full = width - width % GemmTile.COLS;
        for (int p = p0; p < p1; p++) {
            int from = bOff + p * ldb;
            int to = panelsOff + p * GemmTile.COLS;
            for (int j = 0; j < full; j += GemmTile.COLS) {
                FloatVector.fromArray(F, b, from + j).intoArray(panels, to + j * depth);
                FloatVector.fromArray(F, b, from + j + LANES).intoArray(panels, to + j * depth + LANES);
            }
            if (full < width) {
                int end = (width - full + LANES - 1) / LANES * LANES;
                System.arraycopy(b, from + full, panels, to + full * depth, width - full);
                Arrays.fill(panels, to + full * depth + width - full, to + full * depth + end, 0f);
            }
        }
    }

    /** Panels from {@code panelsOff} on, of B stored transposed, (width, depth) with rows {@code ldb} apart. */
    static void columns(float[] panels, int panelsOff, float[] b, int bOff, int ldb, int depth, int width) {
        for (int j = 0; j < width; j += GemmTile.COLS) {
            int cols = Math.min(GemmTile.COLS, width - j);
            int panel = panelsOff + j * depth;
            VectorTranspose.transpose(panels, panel, GemmTile.COLS, b, bOff + j * ldb, ldb, cols, depth);
            clearRim(panels, panel, depth, cols);
        }
    }

    /** Zeroes a panel from column {@code cols} to the end of its vector. */
    static void clearRim(float[] panels, int panel, int depth, int cols) {
        int end = (cols + LANES - 1) / LANES * LANES;
        if (cols < end) {
            for (int p = 0; p < depth; p++) {
                Arrays.fill(panels, panel + p * GemmTile.COLS + cols, panel + p * GemmTile.COLS + end, 0f);
            }
        }
    }
}
