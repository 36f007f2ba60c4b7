package org.aimjvm.cpu.gemm;

import static org.aimjvm.cpu.simd.Simd.PANEL;

import org.aimjvm.cpu.gemm.WeightBuffers.Name;
import org.aimjvm.cpu.gemm.WeightBuffers.OfThread;
import org.aimjvm.cpu.memory.FrozenWeights;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.memory.Warmth;
import org.aimjvm.cpu.simd.Simd;

/**
 * Weights cut into panels of {@link Simd#PANEL} outputs, in each of which the outputs of one input lie side by side. A
 * product reads a panel from its start to its end, once for two rows of x, and makes floats of it in registers.
 *
 * <p>Every element of y is one chain of fused multiply-adds in the order of the inputs, whatever the number of rows,
 * threads or lanes; what the factors of the chain are, each format says.
 */
public abstract class PanelWeights extends FrozenWeights {
    /** Weights of a piece of work, at least: about ten microseconds. */
    private static final int MIN_WORK = 1 << 16;
    /** Pieces a product should have if it is large enough. */
    static final int PIECES = 16;

    final WeightBuffers buffers;
    final int panels;

    PanelWeights(int out, int in, WeightBuffers buffers) {
        super(out, in);
        this.buffers = buffers;
        this.panels = (out + PANEL - 1) / PANEL;
    }

    /** Panels that one thread packs at a time, reading them into a buffer of its own. */
    final int packingGrain() {
        return Math.max(1, panels / PIECES);
    }

    @Override
    public void multiply(float[] y, float[] x, int rows, Parallel parallel) {
        float[] prepared = buffers.get().floats(Name.PREPARED, preparedFloats(rows));
        if (prepared.length > 0) {
            parallel.forRange(1, 1, (from, to) -> prepare(x, rows, prepared)); // a launch, so that a capture replays it
        }
        int grain = Math.clamp(MIN_WORK / ((long) PANEL * Math.max(1, in)), 1, Math.max(1, panels / PIECES));
        parallel.forRange(panels, grain, (from, to) -> {
            buffers.get().prepared = prepared;
            pairs(y, x, rows, from, to);
        });
    }

    /** Panels {@code [from, to)}, each read again, from the cache, for each pair of rows. */
    final void pairs(float[] y, float[] x, int rows, int from, int to) {
        OfThread b = buffers.get();
        Warmth.worked((long) rows * in * (to - from) * PANEL);
        for (int panel = from; panel < to; panel++) {
            int j = panel * PANEL;
            boolean whole = j + PANEL <= out;
            for (int r = 0; r < rows; r += 2) {
                boolean two = r + 1 < rows;
                float[] first = whole ? y : b.first;
                float[] second = whole ? y : b.second;
                int firstAt = whole ? r * out + j : 0;
                int secondAt = whole ? firstAt + out : 0;
                if (two) {
                    two(panel, x, r, first, firstAt, second, secondAt, b);
                } else {
                    one(panel, x, r, first, firstAt, b);
                }
                if (!whole) {
                    System.arraycopy(b.first, 0, y, r * out + j, out - j);
                    if (two) {
                        System.arraycopy(b.second, 0, y, (r + 1) * out + j, out - j);
                    }
                }
            }
        }
    }

    /** Floats that {@link #prepare} wants; 0: it is not called. */
    int preparedFloats(int rows) {
        return 0;
    }

    /** Computes what depends on x alone, once for a product. */
    void prepare(float[] x, int rows, float[] prepared) {
        // nothing depends on x alone
    }

    /** The outputs of a panel for row {@code r} of x, {@link Simd#PANEL} floats. */
    abstract void one(int panel, float[] x, int r, float[] y, int yAt, OfThread b);

    /** The outputs of a panel for rows {@code r} and {@code r + 1} of x, {@link Simd#PANEL} floats each. */
    abstract void two(int panel, float[] x, int r, float[] y0, int at0, float[] y1, int at1, OfThread b);
}
