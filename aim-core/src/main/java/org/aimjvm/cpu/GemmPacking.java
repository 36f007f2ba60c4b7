package org.aimjvm.cpu;

import static org.aimjvm.cpu.Simd.F;
import static org.aimjvm.cpu.Simd.LANES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Copies blocks of matrices into the order in which {@link GemmTile} reads them.
 *
 * <p>B is cut into panels of {@link GemmTile#COLS} columns. The panel of columns {@code [j, j + COLS)} starts at {@code j *
 * depth} and holds {@code depth} rows of {@code COLS} floats, zero beyond the last column up to the next full vector.
 */
final class GemmPacking {
    private GemmPacking() {}

    /** Panels of B stored (depth, width) with rows {@code ldb} apart. */
    static void rows(float[] panels, float[] b, int bOff, int ldb, int depth, int width) {
        int full = width - width % GemmTile.COLS;
        for (int p = 0; p < depth; p++) {
            int from = bOff + p * ldb;
            for (int j = 0; j < full; j += GemmTile.COLS) {
                int to = j * depth + p * GemmTile.COLS;
                FloatVector.fromArray(F, b, from + j).intoArray(panels, to);
                FloatVector.fromArray(F, b, from + j + LANES).intoArray(panels, to + LANES);
            }
        }
        if (full < width) {
            for (int p = 0; p < depth; p++) {
                System.arraycopy(b, bOff + p * ldb + full, panels, full * depth + p * GemmTile.COLS, width - full);
            }
            clearRim(panels, full * depth, depth, width - full);
        }
    }

    /** Panels of B stored transposed, (width, depth) with rows {@code ldb} apart. */
    static void columns(float[] panels, float[] b, int bOff, int ldb, int depth, int width) {
        for (int j = 0; j < width; j += GemmTile.COLS) {
            int cols = Math.min(GemmTile.COLS, width - j);
            VectorTranspose.transpose(panels, j * depth, GemmTile.COLS, b, bOff + j * ldb, ldb, cols, depth);
            clearRim(panels, j * depth, depth, cols);
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

    /**
     * Tiles of {@link GemmTile#ROWS} rows of A stored transposed, (depth, rows) with rows {@code lda} apart: element (r, p) of
     * the tile of rows {@code [i, i + ROWS)} goes to {@code i * depth + p * ROWS + r}.
     *
     * @param tiles at least a vector longer than the tiles
     */
    static void tiles(float[] tiles, float[] a, int aOff, int lda, int depth, int rows) {
        for (int p = 0; p < depth; p++) {
            int from = aOff + p * lda;
            for (int i = 0; i < rows; i += GemmTile.ROWS) {
                int to = i * depth + p * GemmTile.ROWS;
                // a whole vector where what is too much is overwritten by the next row
                if (LANES >= GemmTile.ROWS && from + i + LANES <= a.length && p < depth - 1) {
                    FloatVector.fromArray(F, a, from + i).intoArray(tiles, to);
                } else {
                    System.arraycopy(a, from + i, tiles, to, Math.min(GemmTile.ROWS, rows - i));
                }
            }
        }
    }
}
