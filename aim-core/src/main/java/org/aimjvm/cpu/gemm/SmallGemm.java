package org.aimjvm.cpu.gemm;

import java.util.Arrays;
import org.aimjvm.cpu.simd.Simd;
import org.aimjvm.cpu.simd.VectorTranspose;

/**
 * Products of matrices that fit the first cache, on one thread, without packing: the pieces of a chunk of a state-space
 * recurrence. Columns are padded to whole vectors by the caller, so there is no column tail. Every element is one
 * chain of fused multiply-adds in the order of k.
 *
 * <p>Operands are arrays, offsets and steps, fifteen parameters, for the reason that {@link GemmTile} gives.
 */
public final class SmallGemm {
    /**
     * Rows and columns of the square blocks by which {@link Part} skips work. A multiple of {@link #ROWS} and of
     * lanes.
     */
    public static final int BLOCK = 16;

    private static final int ROWS = 4;
    /** Rows of a tile where A is whole and lies in rows: as many as 16 registers take. */
    private static final int TALL = 6;
    private static final int LANES = Simd.LANES;
    /** Four vectors per row need 16 accumulators: with 512 bits there are 32 registers, with fewer only 16. */
    private static final boolean WIDE = LANES == 16;

    /** Which part of a product is wanted, or not known to be zero. */
    public enum Part {
        ALL,
        /** A is lower triangular: {@code k <= i}. What lies above its diagonal within a {@link #BLOCK} must be zero. */
        A_LOWER,
        /** A is upper triangular: {@code k >= i}. What lies below its diagonal within a {@link #BLOCK} must be zero. */
        A_UPPER,
        /** Only {@code C[i, j]} with {@code j <= i} is wanted; whole blocks are written. */
        C_LOWER
    }

    private SmallGemm() {}

    /**
     * {@code C = beta C + A B}.
     *
     * @param beta factor of the old C, which is not read if 0
     * @param c Modified: (rows, cols) from {@code cAt}, rows {@code cRow} apart
     * @param a (rows, depth) from {@code aAt}; the element (i, k) is at {@code aAt + i * aRow + k * aCol}
     * @param b (depth, cols) from {@code bAt}, rows {@code bRow} apart
     * @param cols a multiple of the lanes of a vector
     */
    public static void multiply(
            float beta,
            float[] c,
            int cAt,
            int cRow,
            float[] a,
            int aAt,
            int aRow,
            int aCol,
            float[] b,
            int bAt,
            int bRow,
            int rows,
            int cols,
            int depth,
            Part part) {
        for (int i = 0; i < rows;) {
            boolean tall = aCol == 1 && !WIDE && part == Part.ALL && cols % (2 * LANES) == 0 && rows - i >= TALL;
            int height = tall ? TALL : rows - i >= ROWS ? ROWS : 1;
            int from = part == Part.A_UPPER ? i : 0;
            int to = part == Part.A_LOWER ? Math.min(i + height, depth) : depth;
            int width = part == Part.C_LOWER ? Math.min(cols, (i / BLOCK + 1) * BLOCK) : cols;
            int ci = cAt + i * cRow;
            int ai = aAt + i * aRow + from * aCol;
            int bi = bAt + from * bRow;
            int j = 0;
            if (tall) {
                for (; j < width; j += 2 * LANES) {
                    SmallGemmTiles.lines6x2(beta, c, ci + j, cRow, a, ai, aRow, b, bi + j, bRow, to - from);
                }
            } else if (height == ROWS) {
                for (; WIDE && j <= width - 4 * LANES; j += 4 * LANES) {
                    SmallGemmTiles.rows4x4(beta, c, ci + j, cRow, a, ai, aRow, aCol, b, bi + j, bRow, to - from);
                }
                for (; aCol == 1 && j <= width - 2 * LANES; j += 2 * LANES) {
                    SmallGemmTiles.lines4x2(beta, c, ci + j, cRow, a, ai, aRow, b, bi + j, bRow, to - from);
                }
                for (; j <= width - 2 * LANES; j += 2 * LANES) {
                    SmallGemmTiles.rows4x2(beta, c, ci + j, cRow, a, ai, aRow, aCol, b, bi + j, bRow, to - from);
                }
                for (; j < width; j += LANES) {
                    SmallGemmTiles.rows4x1(beta, c, ci + j, cRow, a, ai, aRow, aCol, b, bi + j, bRow, to - from);
                }
            } else {
                for (; j < width; j += LANES) {
                    SmallGemmTiles.row1x1(beta, c, ci + j, a, ai, aCol, b, bi + j, bRow, to - from);
                }
            }
            i += height;
        }
    }

    /**
     * {@code dst[c, r] = src[r, c]}; columns of {@code dst} from {@code rows} up to {@code paddedRows} become zero.
     *
     * @param dst Modified: (cols, paddedRows) from {@code dstAt}, rows {@code dstRow} apart
     * @param src (rows, cols) from {@code srcAt}, rows {@code srcRow} apart
     */
    public static void transpose(
            float[] dst, int dstAt, int dstRow, int paddedRows, float[] src, int srcAt, int srcRow, int rows,
            int cols) {
        VectorTranspose.transpose(dst, dstAt, dstRow, src, srcAt, srcRow, rows, cols);
        for (int c = 0; c < cols && rows < paddedRows; c++) {
            Arrays.fill(dst, dstAt + c * dstRow + rows, dstAt + c * dstRow + paddedRows, 0f);
        }
    }

    /**
     * {@code dst[r, c] = src[r, c]}; columns of {@code dst} from {@code cols} up to {@code paddedCols} become zero.
     *
     * @param dst Modified: (rows, paddedCols) from {@code dstAt}, rows next to each other
     * @param src (rows, cols) from {@code srcAt}, rows {@code srcRow} apart
     */
    public static void copy(float[] dst, int dstAt, int paddedCols, float[] src, int srcAt, int srcRow, int rows,
            int cols) {
        for (int r = 0; r < rows; r++) {
            int to = dstAt + r * paddedCols;
            System.arraycopy(src, srcAt + r * srcRow, dst, to, cols);
            Arrays.fill(dst, to + cols, to + paddedCols, 0f);
        }
    }
}
