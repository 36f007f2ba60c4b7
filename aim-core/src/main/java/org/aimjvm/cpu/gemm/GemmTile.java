package org.aimjvm.cpu.gemm;

import static org.aimjvm.cpu.simd.Simd.LANES;

/**
 * The inner tile of every matrix product and convolution: {@code C = S + A B} for a few rows of A, stored one after
 * another, and one packed panel of B.
 *
 * <p>Each element of C is one chain of fused multiply-adds in the order of the depth, starting from S, which is C
 * itself, or zeros. So its value does not depend on the tile it falls into, on how rows, columns or depth were cut
 * into blocks, on the batch, on the number of threads, or on the width of a vector.
 *
 * <p>Tiles take their operands as arrays, offsets and steps, up to sixteen parameters: they run for less than a
 * microsecond, and an object per tile would be garbage wherever the compiler does not see through it.
 */
final class GemmTile {
    private static final boolean WIDE = LANES >= 16;
    /** Rows of a full tile. */
    static final int ROWS = WIDE ? 12 : 6;
    /** Columns of a panel of B: two vectors. */
    static final int COLS = 2 * LANES;
    /** Rows of a full tile of one vector of columns: as many accumulators as the latency of the units wants. */
    static final int SINGLE_ROWS = 12;
    /** A row of S for chains that start from zero, with rows {@code lds = 0} apart. Never written. */
    static final float[] ZEROS = new float[COLS];
    /** Floats of the buffer that {@link #run} wants for tiles at the right rim. */
    static final int RIM = SINGLE_ROWS * COLS;

    private GemmTile() {}

    /**
     * {@code C[i, j] = S[i, j] + sum over p of A[i, p] B[p, j]} for {@code rows <= ROWS} and {@code cols <= COLS}.
     *
     * @param a element (i, p) is at {@code aOff + i * aRow + p}
     * @param b panel of {@code depth} rows of {@link #COLS} floats, zero from {@code cols} to the next full vector
     * @param s element (i, j) is at {@code sOff + i * lds + j}; may be c
     * @param c output; element (i, j) is at {@code cOff + i * ldc + j}
     * @param rim buffer of {@link #RIM} floats from {@code rimOff} on, Modified
     */
    static void run(
            int rows, int cols, int depth, float[] a, int aOff, int aRow, float[] b, int bOff, float[] s, int sOff,
            int lds, float[] c, int cOff, int ldc, float[] rim, int rimOff) {
        if (cols % LANES == 0) {
            runVectors(rows, cols / LANES, depth, a, aOff, aRow, b, bOff, s, sOff, lds, c, cOff, ldc);
            return;
        }
        for (int i = 0; i < rows; i++) {
            System.arraycopy(s, sOff + i * lds, rim, rimOff + i * COLS, cols);
        }
        runVectors(rows, cols < LANES ? 1 : 2, depth, a, aOff, aRow, b, bOff, rim, rimOff, COLS, rim, rimOff, COLS);
        for (int i = 0; i < rows; i++) {
            System.arraycopy(rim, rimOff + i * COLS, c, cOff + i * ldc, cols);
        }
    }

    /**
     * As {@link #run} for whole vectors of columns.
     *
     * @param rows at most {@link #ROWS}; for one vector at most {@link #SINGLE_ROWS}
     * @param vectors 1 or 2
     */
    static void runVectors(
            int rows, int vectors, int depth, float[] a, int aOff, int aRow, float[] b, int bOff, float[] s, int sOff,
            int lds, float[] c, int cOff, int ldc) {
        if (vectors == 1) {
            if (WIDE) {
                if (rows > 4) {
                    WideGemmTile.run12x1(rows, depth, a, aOff, aRow, b, bOff, s, sOff, lds, c, cOff, ldc);
                } else {
                    WideGemmTile.run4x1(rows, depth, a, aOff, aRow, b, bOff, s, sOff, lds, c, cOff, ldc);
                }
            } else if (rows > 4) {
                NarrowGemmTile.run12x1(rows, depth, a, aOff, aRow, b, bOff, s, sOff, lds, c, cOff, ldc);
            } else {
                NarrowGemmTile.run4x1(rows, depth, a, aOff, aRow, b, bOff, s, sOff, lds, c, cOff, ldc);
            }
        } else if (!WIDE) {
            if (rows > 4) {
                NarrowGemmTile.run6x2(rows, depth, a, aOff, aRow, b, bOff, s, sOff, lds, c, cOff, ldc);
            } else {
                NarrowGemmTile.run4x2(rows, depth, a, aOff, aRow, b, bOff, s, sOff, lds, c, cOff, ldc);
            }
        } else if (rows > 8) {
            WideGemmTile.run12x2(rows, depth, a, aOff, aRow, b, bOff, s, sOff, lds, c, cOff, ldc);
        } else {
            for (int i = 0; i < rows; i += 4) {
                int r = Math.min(4, rows - i);
                WideGemmTile.run4x2(r, depth, a, aOff + i * aRow, aRow, b, bOff, s, sOff + i * lds, lds, c,
                        cOff + i * ldc, ldc);
            }
        }
    }
}
