package org.aimjvm.cpu;

import static org.aimjvm.cpu.Simd.LANES;

/**
 * The inner tile of every matrix product and convolution: {@code C += A B} for a few rows of A and one packed panel of B.
 *
 * <p>Each element of C is one chain of fused multiply-adds in the order of the depth, starting from what C holds. So its
 * value does not depend on the tile it falls into, on how rows, columns or depth were cut into blocks, on the batch, on
 * the number of threads, or on the width of a vector.
 */
final class GemmTile {
    private static final boolean WIDE = LANES >= 16;
    /** Rows of a full tile. */
    static final int ROWS = WIDE ? 12 : 5;
    /** Columns of a panel of B: two vectors. */
    static final int COLS = 2 * LANES;
    /** Floats of the buffer that {@link #run} wants for tiles at the right rim. */
    static final int RIM = ROWS * COLS;

    private GemmTile() {}

    /**
     * {@code C[i, j] += sum over p of A[i, p] B[p, j]} for {@code rows <= ROWS} and {@code cols <= COLS}.
     *
     * @param a element (i, p) is at {@code aOff + i * aRow + p * aCol}
     * @param b panel of {@code depth} rows of {@link #COLS} floats, zero from {@code cols} to the next full vector
     * @param c Modified; element (i, j) is at {@code cOff + i * ldc + j}
     * @param rim buffer of {@link #RIM} floats from {@code rimOff} on, Modified
     */
    static void run(
            int rows, int cols, int depth, float[] a, int aOff, int aRow, int aCol, float[] b, int bOff, float[] c,
            int cOff,
            int ldc, float[] rim, int rimOff) {
        if (cols % LANES == 0) {
            runFull(rows, cols / LANES, depth, a, aOff, aRow, aCol, b, bOff, c, cOff, ldc);
            return;
        }
        for (int i = 0; i < rows; i++) {
            System.arraycopy(c, cOff + i * ldc, rim, rimOff + i * COLS, cols);
        }
        runFull(rows, cols < LANES ? 1 : 2, depth, a, aOff, aRow, aCol, b, bOff, rim, rimOff, COLS);
        for (int i = 0; i < rows; i++) {
            System.arraycopy(rim, rimOff + i * COLS, c, cOff + i * ldc, cols);
        }
    }

    private static void runFull(
            int rows, int vectors, int depth, float[] a, int aOff, int aRow, int aCol, float[] b, int bOff, float[] c,
            int cOff,
            int ldc) {
        if (!WIDE) {
            if (vectors == 2) {
                NarrowGemmTile.run5x2(rows, depth, a, aOff, aRow, aCol, b, bOff, c, cOff, ldc);
            } else {
                NarrowGemmTile.run5x1(rows, depth, a, aOff, aRow, aCol, b, bOff, c, cOff, ldc);
            }
        } else if (rows > 8) {
            if (vectors == 2) {
                WideGemmTile.run12x2(rows, depth, a, aOff, aRow, aCol, b, bOff, c, cOff, ldc);
            } else {
                WideGemmTile.run12x1(rows, depth, a, aOff, aRow, aCol, b, bOff, c, cOff, ldc);
            }
        } else {
            for (int i = 0; i < rows; i += 4) {
                int r = Math.min(4, rows - i);
                if (vectors == 2) {
                    WideGemmTile.run4x2(r, depth, a, aOff + i * aRow, aRow, aCol, b, bOff, c, cOff + i * ldc, ldc);
                } else {
                    WideGemmTile.run4x1(r, depth, a, aOff + i * aRow, aRow, aCol, b, bOff, c, cOff + i * ldc, ldc);
                }
            }
        }
    }
}
