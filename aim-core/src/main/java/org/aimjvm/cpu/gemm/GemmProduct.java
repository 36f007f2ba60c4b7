package org.aimjvm.cpu.gemm;

import static org.aimjvm.cpu.simd.Simd.LANES;

import java.util.Arrays;
import org.aimjvm.backend.GemmShape;
import org.aimjvm.cpu.memory.Warmth;
import org.aimjvm.cpu.memory.Workspace;
import org.aimjvm.cpu.simd.VectorTranspose;

/**
 * {@code C = op(A) op(B)} or {@code C += op(A) op(B)}: where the matrices lie, and the loops around {@link GemmTile}
 * after Goto and van de Geijn (2008). A tile of rows of A, at most {@link #DEPTH} long, passes by the panels of a block
 * of B that stays in the second-level cache.
 *
 * @param c output (m, n) from {@code cOff}; Modified if {@code accumulate}
 * @param a (m, k) from {@code aOff}, or (k, m)
 * @param b (k, n) from {@code bOff}, or (n, k)
 * @param s sizes of one product, whatever its batch
 */
record GemmProduct(
        float[] c, int cOff, float[] a, int aOff, float[] b, int bOff, GemmShape s, boolean accumulate) {
    /** Rows {@code [m0, m1)}, columns {@code [n0, n1)} of C. */
    record Region(int m0, int m1, int n0, int n1) {}

    /** Depth of a block, at most: the longer, the less the start and the end of a tile weigh. */
    private static final int DEPTH = LANES >= 16 ? 384 : 768;
    /** Floats of the panels that stay in the second-level cache: 256 KiB of 512. */
    private static final int CACHED_FLOATS = 1 << 16;
    /**
     * Rows of a transposed A that are turned at a time, at most: read in long stretches, and whole tiles and vectors.
     */
    private static final int GROUP = 192;

    /** Floats of a line of the cache. */
    private static final int LINE = 16;
    /** Columns of a transposed B that one thread packs at a time for all. */
    private static final int SHARE_COLUMNS = 4 * GemmTile.COLS;
    /** Rows of B that one thread packs at a time for all. */
    private static final int SHARE_DEPTH = 64;

    /** Rows of memory from turning to turning are so many floats apart that they spread over all sets of a cache. */
    private static int oddLines(int floats) {
        return ((floats + LINE - 1) / LINE | 1) * LINE;
    }

    int m() {
        return s.m();
    }

    int n() {
        return s.n();
    }

    int k() {
        return s.k();
    }

    /** Depth of all blocks but perhaps the last: k cut evenly. */
    int blockDepth() {
        int blocks = Math.max(1, (s.k() + DEPTH - 1) / DEPTH);
        return Math.max(1, (s.k() + blocks - 1) / blocks);
    }

    /** Columns whose panels fit the second-level cache. */
    int cachedColumns() {
        return Math.max(GemmTile.COLS, CACHED_FLOATS / blockDepth() / GemmTile.COLS * GemmTile.COLS);
    }

    /** Panels of the elements {@code [p0, p0 + depth)} of columns {@code [n0, n1)} of op(B), from {@code at} on. */
    private void pack(float[] panels, int at, int p0, int depth, int n0, int n1) {
        if (s.transB()) {
            GemmPacking.columns(panels, at, b, bOff + n0 * s.k() + p0, s.k(), depth, n1 - n0);
        } else {
            GemmPacking.rows(panels, at, b, bOff + p0 * s.n() + n0, s.n(), depth, 0, depth, n1 - n0);
        }
    }

    /** Number of shares of {@link #packShare}. */
    int packShares(int depth) {
        return s.transB() ? (s.n() + SHARE_COLUMNS - 1) / SHARE_COLUMNS : (depth + SHARE_DEPTH - 1) / SHARE_DEPTH;
    }

    /**
     * A share of the panels of elements {@code [p0, p0 + depth)} of all columns of op(B), read in the order of memory.
     */
    void packShare(float[] panels, int at, int p0, int depth, int share) {
        if (s.transB()) {
            int j = share * SHARE_COLUMNS;
            pack(panels, at + j * depth, p0, depth, j, Math.min(s.n(), j + SHARE_COLUMNS));
        } else {
            int p = share * SHARE_DEPTH;
            GemmPacking.rows(
                    panels, at, b, bOff + p0 * s.n(), s.n(), depth, p, Math.min(depth, p + SHARE_DEPTH), s.n());
        }
    }

    /** A region of C, with panels of the caller's own. */
    void multiply(Workspace w, Region r) {
        int k = s.k();
        if (k == 0) {
            clear(r);
            return;
        }
        int block = blockDepth();
        float[] panels = w.floats(GemmBuffer.PANELS, block * GemmPacking.padded(r.n1 - r.n0));
        for (int p0 = 0; p0 < k; p0 += block) {
            int depth = Math.min(block, k - p0);
            pack(panels, 0, p0, depth, r.n0, r.n1);
            multiply(w, panels, 0, p0, depth, r);
        }
    }

    /**
     * Adds the part of the depth {@code [p0, p0 + depth)} to a region of C, which starts with {@code p0 = 0}.
     *
     * @param panels those of the columns of the region from {@code at} on
     */
    void multiply(Workspace w, float[] panels, int at, int p0, int depth, Region r) {
        Warmth.worked((long) (r.m1 - r.m0) * (r.n1 - r.n0) * depth);
        if (!s.transA()) {
            tiles(w, a, aOff + r.m0 * s.k() + p0, s.k(), panels, at, p0, depth, r);
            return;
        }
        int ld = oddLines(depth);
        float[] rows = w.floats(GemmBuffer.ROWS, GROUP * ld);
        for (int i = r.m0; i < r.m1; i += GROUP) {
            int end = Math.min(r.m1, i + GROUP);
            VectorTranspose.transpose(rows, 0, ld, a, aOff + p0 * s.m() + i, s.m(), depth, end - i);
            tiles(w, rows, 0, ld, panels, at, p0, depth, new Region(i, end, r.n0, r.n1));
        }
    }

    private void tiles(
            Workspace w, float[] rows, int rowsOff, int rowsLd, float[] panels, int panelsOff, int p0, int depth,
            Region r) {
        int n = s.n();
        boolean fresh = p0 == 0 && !accumulate;
        float[] rim = w.floats(GemmBuffer.RIM, GemmTile.RIM);
        int width = cachedColumns();
        for (int from = r.n0; from < r.n1; from += width) {
            int end = Math.min(r.n1, from + width);
            for (int i = r.m0; i < r.m1; i += GemmTile.ROWS) {
                int height = Math.min(GemmTile.ROWS, r.m1 - i);
                int row = rowsOff + (i - r.m0) * rowsLd;
                for (int j = from; j < end; j += GemmTile.COLS) {
                    int cols = Math.min(GemmTile.COLS, end - j);
                    int at = panelsOff + (j - r.n0) * depth;
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

    private void clear(Region r) {
        if (!accumulate) {
            for (int i = r.m0; i < r.m1; i++) {
                Arrays.fill(c, cOff + i * s.n() + r.n0, cOff + i * s.n() + r.n1, 0f);
            }
        }
    }
}
