package org.aimjvm.cpu;

import static org.aimjvm.cpu.Simd.LANES;

import java.util.Arrays;

/**
 * Weights cut into panels of {@link #PANEL} outputs, in each of which the outputs of one input lie side by side. A product
 * reads a panel from its start to its end, once for two rows of x, and makes floats of it in registers; of more rows, it
 * makes floats of a block in the cache and multiplies as {@link VectorGemmKernels} does.
 *
 * <p>Every element of y is one chain of fused multiply-adds in the order of the inputs, whatever the number of rows,
 * threads or lanes; what the factors of the chain are, each format says.
 */
abstract class PanelWeights extends FrozenWeights {
    /** Outputs of a panel: four vectors, which with two rows of x make the eight independent sums that hide latency. */
    static final int PANEL = 4 * LANES;
    /** Rows up to which a panel is read again, from the cache, for each pair of rows. */
    private static final int FEW_ROWS = 4;
    /** Inputs of a block in the cache, a multiple of {@link org.aimjvm.tensor.WeightFormat#BLOCK}. */
    static final int DEPTH = 256;
    /** Outputs of a block in the cache: with {@link #DEPTH} inputs 256 KiB, half of a second-level cache. */
    private static final int WIDTH = Math.max(PANEL, 256);
    /** Weights of a piece of work, at least: about ten microseconds. */
    private static final int MIN_WORK = 1 << 16;
    /** Pieces a product should have if it is large enough. */
    private static final int PIECES = 16;

    private static final ThreadLocal<Buffers> BUFFERS = ThreadLocal.withInitial(Buffers::new);

    final int panels;

    /** Working memory of one thread. */
    static final class Buffers {
        final float[] block = new float[DEPTH * WIDTH];
        final float[] rim = new float[GemmTile.RIM];
        final float[] tile = new float[Math.max(GemmTile.RIM, 2 * PANEL)];
        final float[] first = new float[PANEL];
        final float[] second = new float[PANEL];
        /** What {@link #prepare} leaves for the products of a piece. */
        float[] prepared = {};
    }

    PanelWeights(int out, int in) {
        super(out, in);
        this.panels = (out + PANEL - 1) / PANEL;
    }

    @Override
    final void multiply(float[] y, float[] x, int rows, Parallel parallel) {
        if (rows <= FEW_ROWS) {
            int grain = Math.clamp(MIN_WORK / ((long) PANEL * Math.max(1, in)), 1, Math.max(1, panels / PIECES));
            parallel.forRange(panels, grain, (from, to) -> few(y, x, rows, from, to, BUFFERS.get()));
        } else {
            int grain = Math.clamp(panels / PIECES, 1, WIDTH / PANEL);
            parallel.forRange(panels, grain, (from, to) -> {
                if (Warmth.isCold()) {
                    few(y, x, rows, from, to, BUFFERS.get());
                    return;
                }
                for (int p = from; p < to; p += WIDTH / PANEL) {
                    many(y, x, rows, p, Math.min(to, p + WIDTH / PANEL), BUFFERS.get());
                }
            });
        }
    }

    private void few(float[] y, float[] x, int rows, int from, int to, Buffers b) {
        Warmth.worked((long) rows * in * (to - from) * PANEL);
        prepare(x, rows, b);
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

    private void many(float[] y, float[] x, int rows, int from, int to, Buffers b) {
        int first = from * PANEL;
        int end = Math.min(out, to * PANEL);
        prepare(x, rows, b);
        for (int r = 0; r < rows; r++) {
            Arrays.fill(y, r * out + first, r * out + end, 0f);
        }
        for (int k = 0; k < in; k += depth()) {
            int depth = Math.min(depth(), in - k);
            for (int p = from; p < to; p++) {
                unpack(p, k, depth, b.block, (p - from) * PANEL * depth);
            }
            for (int r = 0; r < rows; r += GemmTile.ROWS) {
                int height = Math.min(GemmTile.ROWS, rows - r);
                for (int j = first; j < end; j += GemmTile.COLS) {
                    int width = Math.min(GemmTile.COLS, end - j);
                    tile(y, x, r, height, j, width, k, depth, b, (j - first) * depth);
                }
            }
        }
        for (int r = 0; r < rows; r++) {
            finish(y, r * out + first, first, end - first);
        }
    }

    /** Adds the products of a block of inputs to a tile of y; {@code at} is where the tile's panel starts in the block. */
    void tile(float[] y, float[] x, int r, int height, int j, int width, int k, int depth, Buffers b, int at) {
        int to = r * out + j;
        GemmTile.run(height, width, depth, x, r * in + k, in, b.block, at, y, to, out, y, to, out, b.rim, 0);
    }

    /** Inputs of a block: {@link #DEPTH}, or fewer where {@link #tile} wants that. */
    int depth() {
        return DEPTH;
    }

    /** Applied to finished sums of {@code count} outputs from {@code j} on: scales of rows of W. */
    void finish(float[] y, int yAt, int j, int count) {
        // sums are results
    }

    /** Called before the products of a piece: what depends on x alone goes to {@link Buffers#prepared}. */
    void prepare(float[] x, int rows, Buffers b) {
        // nothing depends on x alone
    }

    /** The outputs of a panel for row {@code r} of x, {@link #PANEL} floats. */
    abstract void one(int panel, float[] x, int r, float[] y, int yAt, Buffers b);

    /** The outputs of a panel for rows {@code r} and {@code r + 1} of x, {@link #PANEL} floats each. */
    abstract void two(int panel, float[] x, int r, float[] y0, int at0, float[] y1, int at1, Buffers b);

    /**
     * The factors of inputs [k, k + depth) of a panel as floats, in panels of {@link GemmTile#COLS} as {@link GemmTile} wants
     * them.
     */
    abstract void unpack(int panel, int k, int depth, float[] block, int at);

    /** Where the factor of output {@code lane} of a panel for input {@code k} of a block goes in what {@link #unpack} makes. */
    static int unpacked(int at, int depth, int k, int lane) {
        return at + lane / GemmTile.COLS * GemmTile.COLS * depth + k * GemmTile.COLS + lane % GemmTile.COLS;
    }
}
