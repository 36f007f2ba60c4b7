package org.aimjvm.cpu.gemm;

import static org.aimjvm.cpu.simd.Simd.LANES;

import java.util.Arrays;
import org.aimjvm.cpu.memory.Warmth;
import org.aimjvm.cpu.memory.Workspace;
import org.aimjvm.cpu.simd.VectorTranspose;

/**
 * {@code C = op(A) op(B)} or {@code C += op(A) op(B)}: where the matrices lie, and the loops around {@link GemmTile} after Goto
 * and van de Geijn (2008). A tile of rows of A, at most {@link #DEPTH} long, passes by the panels of a block of B that stays in
 * the second-level cache.
 *
 * @param c output (m, n) from {@code cOff}; Modified if {@code accumulate}
 * @param a (m, k) from {@code aOff}, or (k, m) with {@code transA}
 * @param b (k, n) from {@code bOff}, or (n, k) with {@code transB}
 */
record GemmProduct(
        float[] c, int cOff, float[] a, int aOff, float[] b, int bOff, int m, int n, int k, boolean transA,
        boolean transB, boolean accumulate) {
    /** Depth of a block, at most: the longer, the less the start and the end of a tile weigh. */
    private static final int DEPTH = LANES >= 16 ? 384 : 768;
    /** Floats of the panels that stay in the second-level cache: 256 KiB of 512. */
    private static final int CACHED_FLOATS = 1 << 16;
    /** Rows of a transposed A that are turned at a time, at most: read in long stretches, and whole tiles and vectors. */
    private static final int GROUP = 192;

    /** Floats of a line of the cache. */
    private static final int LINE = 16;
    /** Columns of a transposed B that one thread packs at a time for all. */
    private static final int SHARE_COLUMNS = 4 * GemmTile.COLS;
    /** Rows of B that one thread packs at a time for all. */
    private static final int SHARE_DEPTH = 64;

    /** Slots of the workspace. */
    private static final int PANELS = 0;

    private static final int ROWS = 1;
    private static final int RIM = 2;

    /** Rows of memory from turning to turning are so many floats apart that they spread over all sets of a cache. */
    private static int oddLines(int floats) {
        return ((floats + LINE - 1) / LINE | 1) * LINE;
    }

    /** Depth of all blocks but perhaps the last: k cut evenly. */
    int blockDepth() {
        int blocks = Math.max(1, (k + DEPTH - 1) / DEPTH);
        return Math.max(1, (k + blocks - 1) / blocks);
    }

    /** Columns whose panels fit the second-level cache. */
    int cachedColumns() {
        return Math.max(GemmTile.COLS, CACHED_FLOATS / blockDepth() / GemmTile.COLS * GemmTile.COLS);
    }

    /** Panels of the elements {@code [p0, p0 + depth)} of columns {@code [n0, n1)} of op(B), from {@code at} on. */
    private void pack(float[] panels, int at, int p0, int depth, int n0, int n1) {
        if (transB) {
            GemmPacking.columns(panels, at, b, bOff + n0 * k + p0, k, depth, n1 - n0);
        } else {
            GemmPacking.rows(panels, at, b, bOff + p0 * n + n0, n, depth, 0, depth, n1 - n0);
        }
    }

    /** Number of shares of {@link #packShare}. */
    int packShares(int depth) {
        return transB ? (n + SHARE_COLUMNS - 1) / SHARE_COLUMNS : (depth + SHARE_DEPTH - 1) / SHARE_DEPTH;
    }

    /** A share of the panels of elements {@code [p0, p0 + depth)} of all columns of op(B), read in the order of memory. */
    void packShare(float[] panels, int at, int p0, int depth, int share) {
        if (transB) {
            int j = share * SHARE_COLUMNS;
            pack(panels, at + j * depth, p0, depth, j, Math.min(n, j + SHARE_COLUMNS));
        } else {
            int p = share * SHARE_DEPTH;
            GemmPacking.rows(panels, at, b, bOff + p0 * n, n, depth, p, Math.min(depth, p + SHARE_DEPTH), n);
        }
    }

    /** Rows {@code [m0, m1)}, columns {@code [n0, n1)} of C, with panels of the caller's own. */
    void multiply(Workspace w, int m0, int m1, int n0, int n1) {
        if (k == 0) {
            clear(m0, m1, n0, n1);
            return;
        }
        int block = blockDepth();
        float[] panels = w.floats(PANELS, block * GemmPacking.padded(n1 - n0));
        for (int p0 = 0; p0 < k; p0 += block) {
            int depth = Math.min(block, k - p0);
            pack(panels, 0, p0, depth, n0, n1);
            multiply(w, panels, 0, p0, depth, m0, m1, n0, n1);
        }
    }

    /**
     * Adds the part of the depth {@code [p0, p0 + depth)} to rows {@code [m0, m1)} and columns {@code [n0, n1)} of C, which
     * starts with {@code p0 = 0}.
     *
     * @param panels those of columns {@code [n0, n1)} from {@code at} on
     */
    void multiply(Workspace w, float[] panels, int at, int p0, int depth, int m0, int m1, int n0, int n1) {
        Warmth.worked((long) (m1 - m0) * (n1 - n0) * depth);
        if (!transA) {
            tiles(w, a, aOff + m0 * k + p0, k, panels, at, p0, depth, m0, m1, n0, n1);
            return;
        }
        int ld = oddLines(depth);
        float[] rows = w.floats(ROWS, GROUP * ld);
        for (int i = m0; i < m1; i += GROUP) {
            int end = Math.min(m1, i + GROUP);
            VectorTranspose.transpose(rows, 0, ld, a, aOff + p0 * m + i, m, depth, end - i);
            tiles(w, rows, 0, ld, panels, at, p0, depth, i, end, n0, n1);
        }
    }

    private void tiles(
            Workspace w, float[] rows, int rowsOff, int rowsLd, float[] panels, int panelsOff, int p0, int depth,
            int m0, int m1, int n0, int n1) {
        boolean fresh = p0 == 0 && !accumulate;
        float[] rim = w.floats(RIM, GemmTile.RIM);
        int width = cachedColumns();
        for (int from = n0; from < n1; from += width) {
            int end = Math.min(n1, from + width);
            for (int i = m0; i < m1; i += GemmTile.ROWS) {
                int height = Math.min(GemmTile.ROWS, m1 - i);
                int row = rowsOff + (i - m0) * rowsLd;
                for (int j = from; j < end; j += GemmTile.COLS) {
                    int cols = Math.min(GemmTile.COLS, end - j);
                    int at = panelsOff + (j - n0) * depth;
                    int to = cOff + i * n + j;
                    if (fresh) {
                        GemmTile.run(height, cols, depth, rows, row, rowsLd, panels, at, GemmTile.ZEROS, 0, 0, c, to, n,
                                rim, 0);
                    } else {
                        GemmTile.run(height, cols, depth, rows, row, rowsLd, panels, at, c, to, n, c, to, n, rim, 0);
                    }
                }
            }
        }
    }

    private void clear(int m0, int m1, int n0, int n1) {
        if (!accumulate) {
            for (int i = m0; i < m1; i++) {
                Arrays.fill(c, cOff + i * n + n0, cOff + i * n + n1, 0f);
            }
        }
    }
}
