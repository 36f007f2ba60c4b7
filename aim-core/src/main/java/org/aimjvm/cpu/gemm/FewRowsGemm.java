package org.aimjvm.cpu.gemm;

import static org.aimjvm.cpu.simd.Simd.LANES;

import java.util.Arrays;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.memory.Warmth;
import org.aimjvm.cpu.memory.Workspace;
import org.aimjvm.cpu.simd.VectorTranspose;

/**
 * {@code y = x W^T} for few rows of x, as {@code y^T = W x^T}: the rows of W are read where they lie, once and in
 * order, while x is packed, so that nothing has to be done with W before it is multiplied. The lanes of a vector are
 * rows of x. The bits are those of {@link GemmProduct}, one chain of fused multiply-adds in the order of k for each
 * element.
 */
final class FewRowsGemm {
    /** Rows of x from which packing W costs less than turning y. */
    static final int MAX_ROWS = 128;
    /**
     * Rows of W of a piece of work, a multiple of every tile: as many as leave pieces to share, within these bounds.
     */
    private static final int STEP = 24;

    private static final int MAX_STEPS = 8;
    private static final int PIECES = 48;
    private FewRowsGemm() {}

    /** @param g with A as it is and B transposed, and at most {@link #MAX_ROWS} rows */
    static void multiply(Parallel parallel, ThreadLocal<Workspace> workspaces, GemmProduct g) {
        int padded = GemmPacking.padded(g.m());
        float[] panels = workspaces.get().floats(GemmBuffer.FEW_ROWS_PANELS, padded * g.k());
        parallel.forRange(1, 1, (from, to) -> pack(panels, g)); // a launch, so that a capture replays it
        int steps = Math.clamp(g.n() / (STEP * PIECES), 1, MAX_STEPS);
        parallel.forRange(g.n(), STEP * steps, (from, to) -> multiply(workspaces.get(), g, panels, from, to));
    }

    /** Panels of all of x, the columns of x^T. */
    private static void pack(float[] panels, GemmProduct g) {
        int padded = GemmPacking.padded(g.m());
        int block = g.blockDepth();
        for (int p0 = 0; p0 < g.k(); p0 += block) {
            int depth = Math.min(block, g.k() - p0);
            GemmPacking.columns(panels, padded * p0, g.a(), g.aOff() + p0, g.k(), depth, g.m());
        }
    }

    /** Columns {@code [n0, n1)} of y. */
    private static void multiply(Workspace w, GemmProduct g, float[] panels, int n0, int n1) {
        int m = g.m();
        Warmth.worked((long) m * (n1 - n0) * g.k());
        int ld = (m + LANES - 1) / LANES * LANES;
        int height = n1 - n0;
        float[] turned = w.floats(GemmBuffer.TURNED, height * ld); // (height, ld), y transposed
        Arrays.fill(turned, 0, height * ld, 0f);
        if (g.accumulate()) {
            VectorTranspose.transpose(turned, 0, ld, g.c(), g.cOff() + n0, g.n(), m, height);
        }
        int block = g.blockDepth();
        int padded = GemmPacking.padded(m);
        for (int p0 = 0; p0 < g.k(); p0 += block) {
            int depth = Math.min(block, g.k() - p0);
            for (int j = 0; j < height; j += GemmTile.SINGLE_ROWS) {
                int rows = Math.min(GemmTile.SINGLE_ROWS, height - j);
                int weights = g.bOff() + (n0 + j) * g.k() + p0;
                int i = 0;
                for (; i <= ld - GemmTile.COLS; i += GemmTile.COLS) {
                    for (int r = 0; r < rows; r += GemmTile.ROWS) {
                        GemmTile.runVectors(
                                Math.min(GemmTile.ROWS, rows - r), 2, depth, g.b(), weights + r * g.k(), g.k(), panels,
                                padded * p0 + i * depth, turned, (j + r) * ld + i, ld, turned, (j + r) * ld + i, ld);
                    }
                }
                if (i < ld) {
                    GemmTile.runVectors(
                            rows, 1, depth, g.b(), weights, g.k(), panels, padded * p0 + i * depth, turned, j * ld + i,
                            ld, turned, j * ld + i, ld);
                }
            }
        }
        VectorTranspose.transpose(g.c(), g.cOff() + n0, g.n(), turned, 0, ld, height, m);
    }
}
