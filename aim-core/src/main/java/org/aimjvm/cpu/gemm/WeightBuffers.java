package org.aimjvm.cpu.gemm;

import static org.aimjvm.cpu.simd.Simd.PANEL;

import org.aimjvm.cpu.memory.Workspace;

/**
 * Working memory of the products with frozen weights of one backend, which all its matrices share: a set per thread,
 * kept so that calls leave no garbage, and freed with the backend.
 */
public final class WeightBuffers {
    private static final float[] NOTHING = {};

    private final ThreadLocal<OfThread> sets = ThreadLocal.withInitial(OfThread::new);

    /** The set of the calling thread. */
    OfThread get() {
        return sets.get();
    }

    /** What grows with the matrices, by what it holds. */
    enum Name {
        /** What {@link PanelWeights#prepare} leaves: the caller's, read by all threads. */
        PREPARED,
        /** A block of a panel made floats of, of {@link UnpackedPanels}. */
        UNPACKED,
        /** {@link GemmTile#RIM} floats for tiles at the right rim, of {@link UnpackedPanels}. */
        RIM,
        /** Rows of x as {@link RowTile} wants them: the caller's, read by all threads. */
        PACKED_ROWS,
        /** Sums of products of {@link RowWeights}. */
        ROW_SUMS
    }

    /** Working memory of one thread. */
    static final class OfThread {
        /** Sums of a block for two rows of x. */
        final float[] sums = new float[2 * PANEL];
        /** Outputs of a panel that hangs over the last one, for the first of two rows of x. */
        final float[] first = new float[PANEL];
        /** As {@link #first}, for the second row. */
        final float[] second = new float[PANEL];
        /** Of the product under way: the caller's {@link Name#PREPARED}. */
        float[] prepared = NOTHING;

        private final Workspace workspace = new Workspace();

        float[] floats(Name name, int size) {
            return size == 0 ? NOTHING : workspace.floats(name, size);
        }
    }
}
