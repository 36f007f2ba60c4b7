package org.aimjvm.cpu;

import static org.aimjvm.cpu.Simd.LANES;

import java.util.Arrays;
import org.aimjvm.tensor.GemmKernels;
import org.aimjvm.tensor.Storage;

/**
 * Blocked matrix product after Goto and van de Geijn (2008). A block of B, {@link #DEPTH} x {@link #WIDTH}, is packed into
 * panels in the second-level cache; a tile of rows of A stays in the first-level cache while all panels pass by. A is read
 * where it lies, or copied a few tiles at a time where it is stored transposed.
 *
 * <p>Every element is one chain of fused multiply-adds in the order of k ({@link GemmTile}), so blocking and threads do not
 * show in the result, and a row of C does not depend on m or the batch. The same packing serves products of one or two
 * rows: a block goes from memory through registers to the cache and is used from there, faster than memory delivers it.
 */
final class VectorGemmKernels implements GemmKernels {
    /** Depth of a block, at most: a tile of A, 12 x 256 floats, takes a quarter of the first-level cache. */
    private static final int DEPTH = 256;
    /** Columns of a block of B, at most: 256 x 256 floats are half of a second-level cache of 512 KiB. */
    private static final int WIDTH = 256;
    /** Rows of a piece of work, at least: amortises the packing of B. */
    private static final int MIN_HEIGHT = 192;
    /** Rows of a piece of work, at most: leaves pieces to share. */
    private static final int MAX_HEIGHT = 768;
    /** Rows of a transposed A that are copied at a time, so that a copy takes whole cache lines. */
    private static final int GROUP = 4 * GemmTile.ROWS;
    /** Pieces a product should have if it is large enough, so that any usual number of threads is kept busy. */
    private static final int PIECES = 24;
    /** Multiply-adds worth handing to another thread: a few microseconds. */
    private static final long MIN_WORK = 1 << 17;
    /** Packing an element of B costs about as much as multiplying it by so many rows. */
    private static final int PACKING_ROWS = 16;

    /** Rows up to which memory, not arithmetic, is what a product waits for. */
    private static final int FEW_ROWS = 8;
    /** Floats of a line of the cache. */
    private static final int LINE = 16;

    /** Keeps the compiler from leaving {@link #fetch} out. */
    @SuppressWarnings("unused") private volatile float fetched;

    private final Parallel parallel;
    private final ThreadLocal<Scratch> scratch = ThreadLocal.withInitial(Scratch::new);

    VectorGemmKernels(Parallel parallel) {
        this.parallel = parallel;
    }

    /** Buffers of one thread. */
    private static final class Scratch {
        final float[] panels = new float[DEPTH * WIDTH];
        final float[] tiles = new float[DEPTH * GROUP + LANES];
        final float[] rim = new float[GemmTile.RIM];
    }

    /** One product of a batch, and where it lies. */
    private record Product(
            float[] c, int cOff, float[] a, int aOff, float[] b, int bOff, int m, int n, int k, boolean transA,
            boolean transB,
            boolean accumulate) {}

    @Override
    public void linear(Storage y, Storage x, Storage w, int rows, int out, int in) {
        if (w instanceof FrozenWeights frozen) {
            frozen.multiply(HeapStorage.floats(y), HeapStorage.floats(x), rows, parallel);
        } else {
            gemm(y, x, w, 1, rows, out, in, false, true, false);
        }
    }

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
            boolean transB, boolean accumulate) {
        Product product = new Product(c, cOff, a, aOff, b, bOff, m, n, k, transA, transB, accumulate);
        for (int j = 0; j < n; j += WIDTH) {
            multiply(product, 0, m, j, Math.min(n, j + WIDTH));
        }
    }

    /** Columns of a piece, a multiple of a panel: as many as fit, but with few rows no more than leaves pieces to share. */
    private static int width(int m, int n, int k) {
        int most = WIDTH;
        if (m < MIN_HEIGHT) {
            long rows = Math.max(m, PACKING_ROWS);
            long least = MIN_WORK / (rows * Math.max(1, k));
            most = Math.clamp(Math.max(least, n / PIECES), GemmTile.COLS, WIDTH);
        }
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
        if (m1 - m0 > FEW_ROWS || !g.transB) {
            multiplyBlocks(g, m0, m1, n0, n1);
            return;
        }
        for (int j = n0; j < n1; j += GemmTile.COLS) {
            int end = Math.min(n1, j + GemmTile.COLS);
            fetch(g.b, g.bOff + j * g.k, g.bOff + end * g.k);
            multiplyBlocks(g, m0, m1, j, end);
        }
    }

    /**
     * Reads elements [from, to), one in each line of the cache, so that they come from memory as one stream. Packing reads a
     * vector of each of many rows in turn, which memory alone delivers at a fraction of its speed.
     */
    private void fetch(float[] b, int from, int to) {
        float sum = 0;
        for (int i = from; i < to; i += LINE) {
            sum += b[i];
        }
        fetched = sum;
    }

    private void multiplyBlocks(Product g, int m0, int m1, int n0, int n1) {
        if (g.k == 0) {
            clear(g, m0, m1, n0, n1);
            return;
        }
        Scratch s = scratch.get();
        int blocks = (g.k + DEPTH - 1) / DEPTH;
        int block = (g.k + blocks - 1) / blocks;
        for (int p0 = 0; p0 < g.k; p0 += block) {
            int depth = Math.min(block, g.k - p0);
            if (g.transB) {
                GemmPacking.columns(s.panels, g.b, g.bOff + n0 * g.k + p0, g.k, depth, n1 - n0);
            } else {
                GemmPacking.rows(s.panels, g.b, g.bOff + p0 * g.n + n0, g.n, depth, n1 - n0);
            }
            for (int i0 = m0; i0 < m1; i0 += GROUP) {
                int i1 = Math.min(m1, i0 + GROUP);
                if (g.transA) {
                    GemmPacking.tiles(s.tiles, g.a, g.aOff + p0 * g.m + i0, g.m, depth, i1 - i0);
                }
                for (int i = i0; i < i1; i += GemmTile.ROWS) {
                    int rows = Math.min(GemmTile.ROWS, i1 - i);
                    if (p0 == 0) {
                        clear(g, i, i + rows, n0, n1);
                    }
                    multiplyRows(s, g, i, rows, i - i0, p0, depth, n0, n1);
                }
            }
        }
    }

    /** One tile of rows against all packed panels; with a transposed A the tile is at row {@code tile} of the copied group. */
    private static void multiplyRows(Scratch s, Product g, int i, int rows, int tile, int p0, int depth, int n0,
            int n1) {
        float[] a = g.transA ? s.tiles : g.a;
        int aOff = g.transA ? tile * depth : g.aOff + i * g.k + p0;
        int aRow = g.transA ? 1 : g.k;
        int aCol = g.transA ? GemmTile.ROWS : 1;
        for (int j = n0; j < n1; j += GemmTile.COLS) {
            int cols = Math.min(GemmTile.COLS, n1 - j);
            int cOff = g.cOff + i * g.n + j;
            GemmTile.run(rows, cols, depth, a, aOff, aRow, aCol, s.panels, (j - n0) * depth, g.c, cOff, g.n, s.rim, 0);
        }
    }

    private static void clear(Product g, int m0, int m1, int n0, int n1) {
        if (!g.accumulate) {
            for (int i = m0; i < m1; i++) {
                Arrays.fill(g.c, g.cOff + i * g.n + n0, g.cOff + i * g.n + n1, 0f);
            }
        }
    }
}
