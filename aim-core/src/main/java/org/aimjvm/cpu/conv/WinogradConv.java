package org.aimjvm.cpu.conv;

import static org.aimjvm.cpu.conv.WinogradTransforms.IN;
import static org.aimjvm.cpu.conv.WinogradTransforms.OUT;
import static org.aimjvm.cpu.conv.WinogradTransforms.TAPS;
import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;

import jdk.incubator.vector.FloatVector;
import org.aimjvm.backend.Conv2dShape;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.memory.Warmth;
import org.aimjvm.cpu.memory.Workspace;

/**
 * Convolutions of kernel 3x3 and stride 1 by Winograd's F(4x4, 3x3): 36 products for 16 outputs in place of 144.
 *
 * <p>Filters are transformed anew at every call, which costs a few percent of it: nothing is kept that could be stale
 * after a step of training, and a layer takes no memory beside its weights.
 *
 * <p>Large pictures: the filters are transformed once, and each block of tiles is transformed, multiplied and
 * transformed back while it stays in the second-level cache. Few tiles: the whole input is transformed once, and pieces
 * are output channels, whose filters are transformed, used and forgotten. Both compute each element by the same
 * operations, so results do not depend on the batch, on the blocks or on the number of threads.
 */
public final class WinogradConv {
    /** Tiles of a block. */
    private static final int TILES = 64;
    /** Tiles of a batch up to which pieces are output channels. */
    private static final int FEW = 128;
    /** Output channels of such a piece. */
    private static final int CHANNELS = 2 * WinogradTile.ROWS;
    /** Floats between rows of matrices with the same element of tiles: keeps them from sharing a set of the caches. */
    private static final int APART = 16;
    /** Input channels below which transforming costs more than it saves. */
    private static final int MIN_CHANNELS = 8;
    /** Multiply-adds worth handing to another thread. */
    private static final long MIN_WORK = 1 << 17;

    private final Parallel parallel;
    private final ThreadLocal<Workspace> workspace = ThreadLocal.withInitial(Workspace::new);

    public WinogradConv(Parallel parallel) {
        this.parallel = parallel;
    }

    /** One call. */
    private record Call(
            float[] y, PictureRows x, float[] w, float[] bias, float[] residual, Conv2dShape s, WinogradBlocks blocks) {
        /** Floats of the transformed filter of an output channel, for one of the 36 products. */
        int filter() {
            return roundUp(s.inChannels(), LANES);
        }

        /** Tiles of a block, whole panels. */
        int width() {
            return roundUp(blocks.largest(), WinogradTile.COLS);
        }

        int inputStep() {
            return s.inChannels() * width() + APART;
        }
    }

    /** Working memory per thread, by what it holds. */
    private enum Buffer {
        /** Transformed filters of all output channels: the caller's, written and read by all threads. */
        SHARED_FILTERS,
        /**
         * Transformed pixels of a block in panels of tiles; for few tiles of all, the caller's, written and read by
         * all threads.
         */
        PIXELS,
        /** Products of {@link #FILTERS} and {@link #PIXELS}: (IN x IN, output channels, tiles). */
        PRODUCTS,
        /** Transformed filters of the output channels of a piece. */
        FILTERS,
        /** Taps of one output channel: (TAPS x TAPS, input channels). */
        TAPS,
        /** Those transformed along columns: (IN x TAPS, input channels). */
        FILTER_COLUMNS,
        /** Rows of one channel of the pictures of a block. */
        ROWS,
        /** A row of tiles transformed along columns: IN rows. */
        INPUT_COLUMNS,
        /** That cut into tiles: (IN x IN, tiles). */
        TILES,
        /** Products of one output channel transformed back along columns: (OUT x IN, tiles). */
        OUTPUT_COLUMNS,
        /** And along rows: (OUT x OUT, tiles). */
        OUTPUT_TILES,
        /** A row of pixels of y. */
        LINE
    }

    /**
     * Whether this way is the faster one: from about eight input channels on, unless tiles hang over the picture so far
     * that they save nothing. Says the same for any batch.
     */
    public static boolean fits(Conv2dShape s) {
        long tiles = (long) WinogradBlocks.tiles(s.outHeight()) * WinogradBlocks.tiles(s.outWidth());
        long pixels = (long) s.outHeight() * s.outWidth();
        return s.kernelHeight() == TAPS && s.kernelWidth() == TAPS && s.stride() == 1
                && s.inChannels() >= MIN_CHANNELS && IN * IN * tiles < 6 * pixels;
    }

    /** {@code y = conv(x, w) + bias + residual}; bias and residual may be {@code null}. */
    public void forward(float[] y, PictureRows x, float[] w, float[] bias, float[] residual, Conv2dShape s) {
        int tiles = s.batch() * WinogradBlocks.tiles(s.outHeight()) * WinogradBlocks.tiles(s.outWidth());
        if (tiles == 0) {
            return;
        }
        if (tiles <= FEW) {
            byChannels(new Call(y, x, w, bias, residual, s, WinogradBlocks.of(s, tiles)));
        } else {
            byBlocks(new Call(y, x, w, bias, residual, s, WinogradBlocks.of(s, TILES)));
        }
    }

    private void byBlocks(Call call) {
        Conv2dShape s = call.s;
        int out = s.outChannels();
        int filterStep = out * call.filter() + APART;
        float[] u = workspace.get().floats(Buffer.SHARED_FILTERS, IN * IN * filterStep);
        parallel.forRange(out, grain(out, 64L * s.inChannels()), (from, to) -> {
            filters(u, from * call.filter(), filterStep, call, from, to, workspace.get());
        });
        int width = call.width();
        int productStep = out * width + APART;
        long work = (long) IN * IN * width * s.inChannels() * out;
        parallel.forRange(call.blocks.count(), grain(call.blocks.count(), work), (from, to) -> {
            Workspace own = workspace.get();
            float[] v = own.floats(Buffer.PIXELS, IN * IN * call.inputStep());
            float[] m = own.floats(Buffer.PRODUCTS, IN * IN * productStep);
            for (int i = from; i < to; i++) {
                WinogradBlocks.Block block = call.blocks.block(i, s.batch());
                input(v, call, block, 0, s.inChannels(), own);
                multiply(m, productStep, u, filterStep, v, call, out, block.tiles());
                output(m, productStep, call, block, 0, out, own);
            }
        });
    }

    private void byChannels(Call call) {
        Conv2dShape s = call.s;
        WinogradBlocks.Block all = call.blocks.block(0, s.batch());
        float[] v = workspace.get().floats(Buffer.PIXELS, IN * IN * call.inputStep());
        long pixels = (long) IN * IN * all.tiles();
        parallel.forRange(s.inChannels(), grain(s.inChannels(), 8 * pixels), (from, to) -> {
            input(v, call, all, from, to, workspace.get());
        });
        int filterStep = CHANNELS * call.filter() + APART;
        int productStep = CHANNELS * call.width() + APART;
        int pieces = (s.outChannels() + CHANNELS - 1) / CHANNELS;
        parallel.forRange(pieces, grain(pieces, pixels * s.inChannels() * CHANNELS), (from, to) -> {
            Workspace own = workspace.get();
            float[] u = own.floats(Buffer.FILTERS, IN * IN * filterStep);
            float[] m = own.floats(Buffer.PRODUCTS, IN * IN * productStep);
            for (int i = from; i < to; i++) {
                int first = i * CHANNELS;
                int last = Math.min(s.outChannels(), first + CHANNELS);
                filters(u, 0, filterStep, call, first, last, own);
                multiply(m, productStep, u, filterStep, v, call, last - first, all.tiles());
                output(m, productStep, call, all, first, last, own);
            }
        });
    }

    /** Pieces to hand out at a time. */
    private static int grain(int pieces, long work) {
        return Math.clamp(MIN_WORK / Math.max(1, work), 1, Math.max(1, pieces));
    }

    private static int roundUp(int x, int multiple) {
        return (x + multiple - 1) / multiple * multiple;
    }

    /**
     * Transformed filters of output channels [first, last): product e, channel o at {@code at + e step + (o - first)
     * filter}.
     */
    private static void filters(float[] u, int at, int step, Call call, int first, int last, Workspace own) {
        int in = call.s.inChannels();
        int length = call.filter();
        float[] taps = own.floats(Buffer.TAPS, TAPS * TAPS * length);
        float[] columns = own.floats(Buffer.FILTER_COLUMNS, IN * TAPS * length);
        for (int o = first; o < last; o++) {
            int from = o * in * TAPS * TAPS;
            for (int c = 0; c < in; c++) {
                for (int k = 0; k < TAPS * TAPS; k++) {
                    taps[k * length + c] = call.w[from + c * TAPS * TAPS + k];
                }
            }
            for (int k = 0; k < TAPS; k++) {
                WinogradTransforms.filter(
                        columns, k * length, TAPS * length, taps, k * length, TAPS * length, in);
            }
            int to = at + (o - first) * length;
            for (int i = 0; i < IN; i++) {
                WinogradTransforms.filter(u, to + i * IN * step, step, columns, i * TAPS * length, length, in);
            }
        }
    }

    /** Transformed pixels of channels [first, last): product e, channel c, tile t in panel t / COLS of product e. */
    private static void input(
            float[] v, Call call, WinogradBlocks.Block block, int first, int last, Workspace own) {
        Conv2dShape s = call.s;
        int width = call.width();
        int pixelRows = OUT * block.down() + IN - OUT;
        int pixels = OUT * block.across() + IN - OUT;
        int line = roundUp(pixels, LANES);
        float[] rows = own.floats(Buffer.ROWS, pixelRows * line);
        float[] columns = own.floats(Buffer.INPUT_COLUMNS, IN * line);
        float[] tiles = own.floats(Buffer.TILES, IN * IN * width);
        int step = call.inputStep();
        for (int c = first; c < last; c++) {
            int t = 0;
            for (int n = block.picture(); n < block.picture() + block.pictures(); n++) {
                for (int i = 0; i < pixelRows; i++) {
                    call.x.read(
                            rows, i * line, n, c, OUT * block.row() - s.padTop() + i,
                            OUT * block.column() - s.padLeft(), pixels);
                }
                for (int i = 0; i < block.down(); i++) {
                    WinogradTransforms.input(columns, 0, line, rows, OUT * i * line, line, pixels);
                    gather(tiles, t, width, columns, line, block.across());
                    t += block.across();
                }
            }
            for (int panel = 0; panel < width; panel += WinogradTile.COLS) {
                int to = panel * s.inChannels() + c * WinogradTile.COLS;
                for (int i = 0; i < IN; i++) {
                    WinogradTransforms.input(
                            v, to + i * IN * step, step, tiles, i * IN * width + panel, width, WinogradTile.COLS);
                }
            }
        }
    }

    /** Element (i, k) of tile j, which is column {@code OUT j + k} of row i, to {@code (i IN + k) width + t + j}. */
    private static void gather(float[] tiles, int t, int width, float[] columns, int line, int across) {
        for (int i = 0; i < IN; i++) {
            for (int k = 0; k < IN; k++) {
                int to = (i * IN + k) * width + t;
                int from = i * line + k;
                for (int j = 0; j < across; j++) {
                    tiles[to + j] = columns[from + OUT * j];
                }
            }
        }
    }

    private static void multiply(
            float[] m, int productStep, float[] u, int filterStep, float[] v, Call call, int channels, int tiles) {
        int depth = call.s.inChannels();
        int width = call.width();
        int filter = call.filter();
        Warmth.worked((long) IN * IN * channels * tiles * depth);
        for (int e = 0; e < IN * IN; e++) {
            for (int o = 0; o < channels; o += WinogradTile.ROWS) {
                int rows = Math.min(WinogradTile.ROWS, channels - o);
                for (int t = 0; t < tiles; t += WinogradTile.COLS) {
                    WinogradTile.run(
                            rows, depth, u, e * filterStep + o * filter, filter, v,
                            e * call.inputStep() + t * depth, m, e * productStep + o * width + t, width);
                }
            }
        }
    }

    /** Products of output channels [first, last) transformed back, with bias and residual, into y. */
    private static void output(
            float[] m, int step, Call call, WinogradBlocks.Block block, int first, int last, Workspace own) {
        Conv2dShape s = call.s;
        int width = call.width();
        int count = block.tiles();
        float[] columns = own.floats(Buffer.OUTPUT_COLUMNS, OUT * IN * width);
        float[] pixels = own.floats(Buffer.OUTPUT_TILES, OUT * OUT * width);
        float[] line = own.floats(Buffer.LINE, OUT * block.across());
        int j0 = OUT * block.column();
        int length = Math.min(OUT * block.across(), s.outWidth() - j0);
        for (int o = first; o < last; o++) {
            for (int k = 0; k < IN; k++) {
                WinogradTransforms.output(
                        columns, k * width, IN * width, m, k * step + (o - first) * width, IN * step, count);
            }
            for (int i = 0; i < OUT; i++) {
                WinogradTransforms.output(pixels, i * OUT * width, width, columns, i * IN * width, width, count);
            }
            float b = call.bias == null ? 0 : call.bias[o];
            int t = 0;
            for (int n = block.picture(); n < block.picture() + block.pictures(); n++) {
                int plane = (n * s.outChannels() + o) * s.outHeight();
                for (int i = 0; i < block.down(); i++, t += block.across()) {
                    int row = OUT * (block.row() + i);
                    for (int k = 0; k < OUT && row + k < s.outHeight(); k++) {
                        scatter(line, pixels, k * OUT * width + t, width, block.across());
                        int to = (plane + row + k) * s.outWidth() + j0;
                        if (call.residual == null) {
                            store(call.y, to, line, length, b);
                        } else {
                            store(call.y, to, line, length, b, call.residual);
                        }
                    }
                }
            }
        }
    }

    /** Puts a row of tiles, whose four columns lie apart, together. */
    private static void scatter(float[] line, float[] pixels, int from, int width, int across) {
        for (int j = 0; j < across; j++) {
            line[OUT * j] = pixels[from + j];
            line[OUT * j + 1] = pixels[from + width + j];
            line[OUT * j + 2] = pixels[from + 2 * width + j];
            line[OUT * j + 3] = pixels[from + 3 * width + j];
        }
    }

    private static void store(float[] y, int at, float[] line, int count, float bias) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector.fromArray(F, line, i).add(bias).intoArray(y, at + i);
        }
        for (; i < count; i++) {
            y[at + i] = line[i] + bias;
        }
    }

    private static void store(float[] y, int at, float[] line, int count, float bias, float[] residual) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector.fromArray(F, residual, at + i).add(FloatVector.fromArray(F, line, i).add(bias))
                    .intoArray(y, at + i);
        }
        for (; i < count; i++) {
            y[at + i] = residual[at + i] + (line[i] + bias);
        }
    }
}
