package org.aimjvm.cpu.gemm;

import org.aimjvm.backend.GemmKernels;
import org.aimjvm.backend.GemmShape;
import org.aimjvm.backend.Storage;
import org.aimjvm.cpu.gemm.GemmProduct.Region;
import org.aimjvm.cpu.memory.FrozenWeights;
import org.aimjvm.cpu.memory.HeapStorage;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.memory.Workspace;

/**
 * Matrix products on the threads of a backend. Three ways to share the work, chosen by shape:
 *
 * <ul>
 * <li>few rows times a transposed matrix: {@link FewRowsGemm}, pieces of columns;
 * <li>columns enough for all threads: each piece packs the columns it multiplies, so each is packed once;
 * <li>else B is packed once by all threads, then pieces of rows are multiplied with it.
 * </ul>
 *
 * <p>Every element is one chain of fused multiply-adds in the order of k ({@link GemmTile}), so blocking and threads do
 * not show in the result, and a row of C does not depend on m or the batch.
 */
public final class VectorGemmKernels implements GemmKernels {
    /** Pieces a product should have if it is large enough, so that any usual number of threads is kept busy. */
    private static final int PIECES = 24;
    /** Rows of a piece that packs its columns itself, at most: that amortises the packing. */
    private static final int MAX_HEIGHT = 1536;
    /** Columns of such a piece of a transposed A, at most: A is turned once for so many. */
    private static final int MAX_WIDTH = 512;
    /** Rows of a piece that shares panels, a multiple of every tile and of the rows that are turned together. */
    private static final int SHARING_ROWS = 48;
    /** Floats of panels that are shared at a time: 16 MiB. */
    private static final int SHARED_FLOATS = 1 << 22;
    /** Multiply-adds worth handing to another thread: a few microseconds. */
    private static final long MIN_WORK = 1 << 17;
    /** Packing an element of B costs about as much as multiplying it by so many rows. */
    private static final int PACKING_ROWS = 16;

    private final Parallel parallel;
    private final ThreadLocal<Workspace> workspaces = ThreadLocal.withInitial(Workspace::new);

    public VectorGemmKernels(Parallel parallel) {
        this.parallel = parallel;
    }

    @Override
    public void linear(Storage y, Storage x, Storage w, int rows, int out, int in) {
        if (w instanceof FrozenWeights frozen) {
            frozen.multiply(HeapStorage.floats(y), HeapStorage.floats(x), rows, parallel);
        } else {
            gemm(y, x, w, GemmShape.transposedB(rows, out, in), false);
        }
    }

    @Override
    public void gemm(Storage c, Storage a, Storage b, GemmShape s, boolean accumulate) {
        float[] cs = HeapStorage.floats(c);
        float[] as = HeapStorage.floats(a);
        float[] bs = HeapStorage.floats(b);
        if (s.m() == 0 || s.n() == 0 || s.batch() == 0) {
            return;
        }
        GemmProduct first = new GemmProduct(cs, 0, as, 0, bs, 0, s, accumulate);
        if (s.batch() == 1 && !s.transA() && s.transB() && s.m() <= FewRowsGemm.MAX_ROWS) {
            FewRowsGemm.multiply(parallel, workspaces, first);
        } else if (s.batch() == 1 && sharesPanels(first)) {
            multiplySharing(first);
        } else {
            multiplyPieces(first, s.batch());
        }
    }

    /**
     * One product on the caller's thread, the same bits as {@link #gemm}; for kernels that are parallel outside.
     *
     * @param c Modified from {@code cOff} on
     * @param a read from {@code aOff} on
     * @param s of one product
     */
    public void product(float[] c, int cOff, float[] a, int aOff, float[] b, GemmShape s, boolean accumulate) {
        GemmProduct g = new GemmProduct(c, cOff, a, aOff, b, 0, s, accumulate);
        for (int j = 0; j < s.n(); j += MAX_WIDTH) {
            g.multiply(workspaces.get(), new Region(0, s.m(), j, Math.min(s.n(), j + MAX_WIDTH)));
        }
    }

    /**
     * Whether rows are what can be cut: to turn A once, or where pieces of columns would be too narrow to read well.
     */
    private static boolean sharesPanels(GemmProduct g) {
        int least = g.s().transA() ? 2 * SHARING_ROWS : g.s().transB() ? Math.max(g.n(), MAX_WIDTH) : MAX_WIDTH;
        return g.k() > 0 && g.m() >= least;
    }

    /** Products that follow each other in memory, in pieces that need nothing of each other. */
    private void multiplyPieces(GemmProduct g, int batch) {
        int m = g.m();
        int n = g.n();
        int k = g.k();
        int width = width(g, batch);
        int columns = (n + width - 1) / width;
        int rows = (m + MAX_HEIGHT - 1) / MAX_HEIGHT;
        int height = roundUp((m + rows - 1) / rows, GemmTile.ROWS);
        int perProduct = rows * columns;
        long work = Math.max(1, (long) Math.min(m, height) * Math.min(n, width) * k);
        int grain = (int) Math.max(1, Math.min(batch, MIN_WORK / work));
        parallel.forRange(batch * perProduct, grain, (from, to) -> {
            for (int piece = from; piece < to; piece++) {
                int p = piece / perProduct;
                int row = piece % perProduct % rows * height;
                int column = piece % perProduct / rows * width;
                GemmProduct product = new GemmProduct(
                        g.c(), p * m * n, g.a(), p * m * k, g.b(), p * k * n, g.s(), g.accumulate());
                product.multiply(
                        workspaces.get(),
                        new Region(row, Math.min(m, row + height), column, Math.min(n, column + width)));
            }
        });
    }

    /** Columns of a piece, whole panels: as many as fit the cache, but no more than leaves pieces to share. */
    private static int width(GemmProduct g, int batch) {
        long rows = Math.max(g.m(), PACKING_ROWS);
        long least = MIN_WORK / (rows * Math.max(1, g.k()));
        int most = g.s().transA() ? MAX_WIDTH : g.cachedColumns();
        int share = g.n() / Math.max(1, PIECES / batch);
        int narrowest = (g.s().transB() ? 2 : 4) * GemmTile.COLS; // rows of B are read in stretches of a piece's width
        int width = Math.clamp(Math.max(least, share), narrowest, Math.max(narrowest, most));
        int pieces = (g.n() + width - 1) / width;
        return roundUp((g.n() + pieces - 1) / pieces, GemmTile.COLS);
    }

    /** All threads pack the panels of a part of the depth, then multiply pieces of rows with them. */
    private void multiplySharing(GemmProduct g) {
        int m = g.m();
        int n = g.n();
        int k = g.k();
        int padded = GemmPacking.padded(n);
        int block = g.blockDepth();
        int blocks = Math.clamp(SHARED_FLOATS / ((long) padded * block), 1, (k + block - 1) / block);
        float[] panels = workspaces.get().floats(GemmBuffer.SHARED_PANELS, padded * Math.min(k, blocks * block));
        int height = roundUp(Math.max(1, m / PIECES), SHARING_ROWS);
        for (int start = 0; start < k; start += blocks * block) {
            int from = start;
            int to = Math.min(k, start + blocks * block);
            int shares = g.packShares(block);
            parallel.forRange((to - from + block - 1) / block * shares, 1, (first, last) -> {
                for (int piece = first; piece < last; piece++) {
                    int p0 = from + piece / shares * block;
                    g.packShare(panels, padded * (p0 - from), p0, Math.min(block, to - p0), piece % shares);
                }
            });
            parallel.forRange(m, height, (m0, m1) -> {
                Workspace w = workspaces.get();
                Region rows = new Region(m0, m1, 0, n);
                for (int p0 = from; p0 < to; p0 += block) {
                    g.multiply(w, panels, padded * (p0 - from), p0, Math.min(block, to - p0), rows);
                }
            });
        }
    }

    private static int roundUp(int x, int multiple) {
        return (x + multiple - 1) / multiple * multiple;
    }
}
