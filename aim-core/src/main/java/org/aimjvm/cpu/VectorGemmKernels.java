package org.aimjvm.cpu;

import static org.aimjvm.cpu.Simd.F;
import static org.aimjvm.cpu.Simd.LANES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.aimjvm.tensor.GemmKernels;
import org.aimjvm.tensor.Storage;

/**
 * Blocked matrix product after Goto and van de Geijn (2008). A block of B, {@link #DEPTH} x {@link #WIDTH}, is packed into
 * panels of {@link GemmTile#COLS} columns in the second-level cache; a tile of rows of A stays in the first-level cache
 * while all panels pass by. A is read where it lies, or copied a tile at a time where it is stored transposed.
 *
 * <p>Every element is one chain of fused multiply-adds in the order of k ({@link GemmTile}), so blocking and threads do not
 * show in the result, and a row of C does not depend on m or the batch. The same packing serves products of one or two
 * rows: a block goes from memory through registers to the cache and is used from there, faster than memory delivers it.
 */
final class VectorGemmKernels implements GemmKernels {
    /** Depth of a block: a tile of A, 12 x 256 floats, takes a quarter of the first-level cache. */
    private static final int DEPTH = 256;
    /** Columns of a block of B, at most: 256 x 256 floats are half of a second-level cache of 512 KiB. */
    private static final int WIDTH = 256;
    /** Rows of a piece of work: amortise packing, at least; leave something to share, at most. */
    private static final int MIN_HEIGHT = 96;

    private static final int MAX_HEIGHT = 768;
    /** Pieces a product should have if it is large enough, so that any usual number of threads is kept busy. */
    private static final int PIECES = 24;
    /** Multiply-adds worth handing to another thread: a few microseconds. */
    private static final long MIN_WORK = 1 << 17;

    private final Parallel parallel;
    private final ThreadLocal<Scratch> scratch = ThreadLocal.withInitial(Scratch::new);

    VectorGemmKernels(Parallel parallel) {
        this.parallel = parallel;
    }

    /** Buffers of one thread. */
    private static final class Scratch {
        final float[] panels = new float[DEPTH * WIDTH];
        /** A tile of transposed A; its rows are copied a vector at a time, the last one over the end. */
        final float[] tile = new float[DEPTH * GemmTile.ROWS + LANES];

        final float[] rim = new float[GemmTile.RIM];
    }

    /** One product of a batch, and where it lies. */
    private record Product(
            float[] c, int cOff, float[] a, int aOff, float[] b, int bOff, int m, int n, int k, boolean transA,
            boolean transB,
            boolean accumulate) {}

    @Override
    public void gemm(
            Storage c, Storage a, Storage b, int batch, int m, int n, int k, boolean transA, boolean transB,
            boolean accumulate) {
        float[] cs = HeapStorage.floats(c);
        float[] as = HeapStorage.floats(a);
        float[] bs = HeapStorage.floats(b);
        if (m == 0 || n == 0) {
            return;
        }
        int width = width(m, n, k);
        int columns = (n + width - 1) / width;
        int height = height(m, columns * batch);
        int rows = (m + height - 1) / height;
        int perProduct = rows * columns;
        long work = Math.max(1, (long) Math.min(m, height) * Math.min(n, width) * k);
        int grain = (int) Math.max(1, Math.min(batch, MIN_WORK / work));
        parallel.forRange(batch * perProduct, grain, (from, to) -> {
            for (int piece = from; piece < to; piece++) {
                int p = piece / perProduct;
                int row = piece % perProduct % rows * height;
                int column = piece % perProduct / rows * width;
                Product product = new Product(
                        cs, p * m * n, as, p * m * k, bs, p * k * n, m, n, k, transA, transB, accumulate);
                multiply(product, row, Math.min(m, row + height), column, Math.min(n, column + width));
            }
        });
    }

    /** One product on the caller's thread, the same bits as {@link #gemm}; for kernels that are parallel outside. */
    void product(
            float[] c, int cOff, float[] a, int aOff, float[] b, int bOff, int m, int n, int k, boolean transA,
            boolean transB,
            boolean accumulate) {
        Product product = new Product(c, cOff, a, aOff, b, bOff, m, n, k, transA, transB, accumulate);
        for (int j = 0; j < n; j += WIDTH) {
            multiply(product, 0, m, j, Math.min(n, j + WIDTH));
        }
    }

    /** Columns of a piece, a multiple of a panel: even shares of n, narrow if few rows make the piece short. */
    private static int width(int m, int n, int k) {
        long panelWork = Math.max(1, (long) Math.min(m, MAX_HEIGHT) * GemmTile.COLS * k);
        int most = Math.clamp(MIN_WORK * 16 / panelWork, 1, WIDTH / GemmTile.COLS) * GemmTile.COLS;
        int pieces = (n + most - 1) / most;
        return roundUp((n + pieces - 1) / pieces, GemmTile.COLS);
    }

    /** Rows of a piece, a multiple of a tile. */
    private static int height(int m, int others) {
        int pieces =
                Math.max((m + MAX_HEIGHT - 1) / MAX_HEIGHT, Math.min((PIECES + others - 1) / others, m / MIN_HEIGHT));
        return roundUp((m + Math.max(1, pieces) - 1) / Math.max(1, pieces), GemmTile.ROWS);
    }

    private static int roundUp(int x, int multiple) {
        return (x + multiple - 1) / multiple * multiple;
    }

    private void multiply(Product g, int m0, int m1, int n0, int n1) {
        if (!g.accumulate) {
            for (int i = m0; i < m1; i++) {
                Arrays.fill(g.c, g.cOff + i * g.n + n0, g.cOff + i * g.n + n1, 0f);
            }
        }
        Scratch s = scratch.get();
        for (int p0 = 0; p0 < g.k; p0 += DEPTH) {
            int depth = Math.min(DEPTH, g.k - p0);
            packPanels(s.panels, g, p0, depth, n0, n1);
            for (int i = m0; i < m1; i += GemmTile.ROWS) {
                int rows = Math.min(GemmTile.ROWS, m1 - i);
                float[] a = g.a;
                int aOff = g.aOff + i * g.k + p0;
                int aRow = g.k;
                int aCol = 1;
                if (g.transA) {
                    packTile(s.tile, g, i, rows, p0, depth);
                    a = s.tile;
                    aOff = 0;
                    aRow = 1;
                    aCol = GemmTile.ROWS;
                }
                for (int j = n0; j < n1; j += GemmTile.COLS) {
                    int cols = Math.min(GemmTile.COLS, n1 - j);
                    int cOff = g.cOff + i * g.n + j;
                    GemmTile.run(
                            rows, cols, depth, a, aOff, aRow, aCol, s.panels, (j - n0) * depth, g.c, cOff, g.n, s.rim,
                            0);
                }
            }
        }
    }

    /** Panels of columns [n0, n1) of op(B), rows [p0, p0 + depth): each depth x COLS, zero beyond n1. */
    private static void packPanels(float[] panels, Product g, int p0, int depth, int n0, int n1) {
        if (g.transB) {
            for (int j = n0; j < n1; j += GemmTile.COLS) {
                int cols = Math.min(GemmTile.COLS, n1 - j);
                int at = (j - n0) * depth;
                VectorTranspose.transpose(panels, at, GemmTile.COLS, g.b, g.bOff + j * g.k + p0, g.k, cols, depth);
                clearRim(panels, at, depth, cols);
            }
        } else {
            packRows(panels, g.b, g.bOff + p0 * g.n + n0, g.n, depth, n1 - n0);
        }
    }

    /** Cuts {@code depth} rows of {@code width} floats into panels. */
    static void packRows(float[] panels, float[] b, int bOff, int ldb, int depth, int width) {
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

    private static void clearRim(float[] panels, int at, int depth, int cols) {
        int end = roundUp(cols, LANES);
        if (cols < end) {
            for (int p = 0; p < depth; p++) {
                Arrays.fill(panels, at + p * GemmTile.COLS + cols, at + p * GemmTile.COLS + end, 0f);
            }
        }
    }

    /** Copies rows [i, i + rows) of op(A) from A stored (k, m): element (r, p) goes to {@code p * ROWS + r}. */
    private static void packTile(float[] tile, Product g, int i, int rows, int p0, int depth) {
        for (int p = 0; p < depth; p++) {
            int from = g.aOff + (p0 + p) * g.m + i;
            int to = p * GemmTile.ROWS;
            if (from + LANES <= g.a.length && LANES >= GemmTile.ROWS) {
                FloatVector.fromArray(F, g.a, from).intoArray(tile, to);
            } else {
                System.arraycopy(g.a, from, tile, to, rows);
            }
        }
    }
}
