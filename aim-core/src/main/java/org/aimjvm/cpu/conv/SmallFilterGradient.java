package org.aimjvm.cpu.conv;

import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.aimjvm.backend.Conv2dShape;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.memory.Warmth;
import org.aimjvm.cpu.memory.Workspace;
import org.aimjvm.cpu.simd.VectorTranspose;

/**
 * Gradient of few filters of kernel 3x3 and stride 1, {@code dw[o, c, u, v] = sum over n, i, j of dy[n, o, i, j] x[n, c,
 * i + u - padTop, j + v - padLeft]}, without a matrix of patches, which such filters multiply too little to pay for: pixels
 * are turned once so that the channels of one lie together, and four filters times three taps of a row make twelve running
 * vectors over the columns.
 *
 * <p>A piece is a share of all rows, with sums of its own. Sums run in the order of rows and columns, whatever the number
 * of threads and the width of a vector.
 */
final class SmallFilterGradient {
    /** Channels are filled up to a multiple, that of the widest vector. */
    private static final int GROUP = 16;
    /** The least channels: with fewer, filling up costs more than patches. */
    private static final int LEAST_CHANNELS = 12;
    /** Channels of the largest filters. */
    private static final int MOST_CHANNELS = 64;
    private static final int TAPS = 3;
    /** Filters that are summed together. */
    private static final int FILTERS = 4;
    /** Floats of turned pixels, about: 128 KiB. */
    private static final int TURNED_FLOATS = 1 << 15;
    /** Columns that are gone through before running vectors are put down. */
    private static final int LEAST_COLUMNS = 64;
    private static final int SHARES = 8;

    private enum Buffer {
        /** Pixels of a block with its padding: (rows, columns, channels). */
        TURNED
    }

    private final Parallel parallel;
    private final ThreadLocal<Workspace> workspace = ThreadLocal.withInitial(Workspace::new);

    SmallFilterGradient(Parallel parallel) {
        this.parallel = parallel;
    }

    static boolean fits(Conv2dShape s) {
        return s.kernelHeight() == TAPS && s.kernelWidth() == TAPS && s.stride() == 1
                && s.inChannels() >= LEAST_CHANNELS && s.inChannels() < MOST_CHANNELS
                && s.outChannels() >= FILTERS;
    }

    /** One call. */
    private record Call(float[] dy, float[] x, Conv2dShape s) {
        int channels() {
            return (s.inChannels() + GROUP - 1) / GROUP * GROUP;
        }

        int quads() {
            return (s.outChannels() + FILTERS - 1) / FILTERS;
        }

        /** Columns of turned pixels. */
        int columns() {
            return s.outWidth() + TAPS - 1;
        }

        /** Output rows of a block. */
        int rows() {
            return Math.clamp(TURNED_FLOATS / (channels() * columns()), 1, s.outHeight());
        }

        /** Floats of the sums of a share: (row of taps, four filters, filter, tap, channel). */
        int sums() {
            return TAPS * quads() * FILTERS * TAPS * channels();
        }
    }

    void compute(float[] dw, float[] dy, float[] x, Conv2dShape s) {
        Call call = new Call(dy, x, s);
        int blocks = (s.outHeight() + call.rows() - 1) / call.rows();
        int units = s.batch() * blocks;
        int shares = Math.clamp(units, 1, SHARES);
        int size = call.sums();
        float[] sums = new float[shares * size];
        parallel.forRange(shares, 1, (from, to) -> {
            for (int share = from; share < to; share++) {
                int last = (int) ((long) units * (share + 1) / shares);
                for (int unit = (int) ((long) units * share / shares); unit < last; unit++) {
                    add(sums, share * size, call, unit / blocks, unit % blocks * call.rows());
                }
            }
        });
        int channels = call.channels();
        for (int o = 0; o < s.outChannels(); o++) {
            for (int u = 0; u < TAPS; u++) {
                int from = (u * call.quads() * FILTERS + o) * TAPS * channels;
                for (int v = 0; v < TAPS; v++) {
                    for (int c = 0; c < s.inChannels(); c++) {
                        float sum = 0;
                        for (int share = 0; share < shares; share++) {
                            sum += sums[share * size + from + v * channels + c];
                        }
                        dw[((o * s.inChannels() + c) * TAPS + u) * TAPS + v] = sum;
                    }
                }
            }
        }
    }

    /** Adds the part of output rows from {@code i0} on of picture {@code n}. */
    private void add(float[] sums, int at, Call call, int n, int i0) {
        Conv2dShape s = call.s;
        int rows = Math.min(call.rows(), s.outHeight() - i0);
        int channels = call.channels();
        int line = call.columns() * channels;
        float[] turned = workspace.get().floats(Buffer.TURNED, (rows + TAPS - 1) * line);
        turn(turned, call, n, i0 - s.padTop(), rows + TAPS - 1);
        Warmth.worked((long) rows * s.outWidth() * s.outChannels() * s.filterSize());
        int area = s.outHeight() * s.outWidth();
        int together = Math.max(1, LEAST_COLUMNS / s.outWidth());
        for (int i = 0; i < rows; i += together) {
            int height = Math.min(together, rows - i);
            for (int u = 0; u < TAPS; u++) {
                for (int q = 0; q < call.quads(); q++) {
                    int o = q * FILTERS;
                    int last = Math.min(FILTERS, s.outChannels() - o) - 1;
                    int dyAt = (n * s.outChannels() + o) * area + (i0 + i) * s.outWidth();
                    int to = at + (u * call.quads() + q) * FILTERS * TAPS * channels;
                    for (int c = 0; c < channels; c += LANES) {
                        four(
                                sums, to + c, turned, (i + u) * line + c, channels, call.dy, dyAt,
                                Math.min(1, last) * area, Math.min(2, last) * area, Math.min(3, last) * area, height,
                                s.outWidth());
                    }
                }
            }
        }
    }

    /** Turns {@code rows} rows of pixels from row {@code first} on, which may lie in the padding. */
    private static void turn(float[] turned, Call call, int n, int first, int rows) {
        Conv2dShape s = call.s;
        int channels = call.channels();
        int columns = call.columns();
        int area = s.inHeight() * s.inWidth();
        int from = Math.min(columns, s.padLeft()); // columns [from, to) are pixels
        int to = Math.min(columns, s.padLeft() + s.inWidth());
        for (int i = 0; i < rows; i++) {
            int at = i * columns * channels;
            int row = first + i;
            boolean inside = row >= 0 && row < s.inHeight();
            if (!inside || channels > s.inChannels()) {
                Arrays.fill(turned, at, at + columns * channels, 0f);
            }
            if (!inside) {
                continue;
            }
            Arrays.fill(turned, at, at + from * channels, 0f);
            Arrays.fill(turned, at + to * channels, at + columns * channels, 0f);
            VectorTranspose.transpose(
                    turned, at + from * channels, channels, call.x, n * s.inChannels() * area + row * s.inWidth(), area,
                    s.inChannels(), to - from);
        }
    }

    /**
     * {@code sums[f, v] += sum over i, j of dy_f[i, j] x[i, j + v]} for four filters f and three taps v, each sum a
     * vector of channels.
     *
     * @param at sums f, v begin at {@code at + (3 f + v) channels}
     * @param xAt pixel (i, j) begins at {@code xAt + (i (columns + 2) + j) channels}
     * @param dyAt of filter 0; the others lie {@code d1}, {@code d2} and {@code d3} further
     */
    private static void four(
            float[] sums, int at, float[] x, int xAt, int channels, float[] dy, int dyAt, int d1, int d2, int d3,
            int rows, int columns) {
        int f = TAPS * channels;
        FloatVector s00 = FloatVector.fromArray(F, sums, at);
        FloatVector s01 = FloatVector.fromArray(F, sums, at + channels);
        FloatVector s02 = FloatVector.fromArray(F, sums, at + 2 * channels);
        FloatVector s10 = FloatVector.fromArray(F, sums, at + f);
        FloatVector s11 = FloatVector.fromArray(F, sums, at + f + channels);
        FloatVector s12 = FloatVector.fromArray(F, sums, at + f + 2 * channels);
        FloatVector s20 = FloatVector.fromArray(F, sums, at + 2 * f);
        FloatVector s21 = FloatVector.fromArray(F, sums, at + 2 * f + channels);
        FloatVector s22 = FloatVector.fromArray(F, sums, at + 2 * f + 2 * channels);
        FloatVector s30 = FloatVector.fromArray(F, sums, at + 3 * f);
        FloatVector s31 = FloatVector.fromArray(F, sums, at + 3 * f + channels);
        FloatVector s32 = FloatVector.fromArray(F, sums, at + 3 * f + 2 * channels);
        int gap = (TAPS - 1) * channels; // from a row's end to the next
        int p = dyAt;
        int end = dyAt + rows * columns;
        int from = xAt;
        while (p < end) {
            int stop = p + columns;
            for (; p < stop; p++, from += channels) {
                FloatVector x0 = FloatVector.fromArray(F, x, from);
                FloatVector x1 = FloatVector.fromArray(F, x, from + channels);
                FloatVector x2 = FloatVector.fromArray(F, x, from + 2 * channels);
                FloatVector a = FloatVector.broadcast(F, dy[p]);
                s00 = a.fma(x0, s00);
                s01 = a.fma(x1, s01);
                s02 = a.fma(x2, s02);
                FloatVector b = FloatVector.broadcast(F, dy[p + d1]);
                s10 = b.fma(x0, s10);
                s11 = b.fma(x1, s11);
                s12 = b.fma(x2, s12);
                FloatVector c = FloatVector.broadcast(F, dy[p + d2]);
                s20 = c.fma(x0, s20);
                s21 = c.fma(x1, s21);
                s22 = c.fma(x2, s22);
                FloatVector d = FloatVector.broadcast(F, dy[p + d3]);
                s30 = d.fma(x0, s30);
                s31 = d.fma(x1, s31);
                s32 = d.fma(x2, s32);
            }
            from += gap;
        }
        s00.intoArray(sums, at);
        s01.intoArray(sums, at + channels);
        s02.intoArray(sums, at + 2 * channels);
        s10.intoArray(sums, at + f);
        s11.intoArray(sums, at + f + channels);
        s12.intoArray(sums, at + f + 2 * channels);
        s20.intoArray(sums, at + 2 * f);
        s21.intoArray(sums, at + 2 * f + channels);
        s22.intoArray(sums, at + 2 * f + 2 * channels);
        s30.intoArray(sums, at + 3 * f);
        s31.intoArray(sums, at + 3 * f + channels);
        s32.intoArray(sums, at + 3 * f + 2 * channels);
    }
}
