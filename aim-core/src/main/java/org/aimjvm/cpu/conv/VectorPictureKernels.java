package org.aimjvm.cpu.conv;

import static org.aimjvm.cpu.memory.HeapStorage.floats;
import static org.aimjvm.cpu.memory.HeapStorage.ints;
import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.aimjvm.backend.PictureKernels;
import org.aimjvm.backend.Pool2dShape;
import org.aimjvm.backend.ResizeShape;
import org.aimjvm.backend.Storage;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.memory.Scratch;

/**
 * Kernels of pictures by vectors. A piece is some planes. Windows are reduced over their rows first, which is whole
 * rows of the picture and so vectors, then over their columns: the greatest by vectors too, at every column, of which
 * those are kept where a window stands; sums by plain loops. Pictures are interpolated along each source row once, then
 * between rows by vectors. Gradients gather few elements from far apart: plain loops, one thread per plane.
 */
public final class VectorPictureKernels implements PictureKernels {
    /** Elements of a piece. */
    private static final int GRAIN = 1 << 14;

    private final Parallel parallel;
    private final Scratch rows = new Scratch();

    public VectorPictureKernels(Parallel parallel) {
        this.parallel = parallel;
    }

    private void forPlanes(int planes, int size, Parallel.Body body) {
        parallel.forRange(planes, Math.max(1, GRAIN / Math.max(1, size)), body);
    }

    @Override
    public void maxPool2d(Storage y, Storage x, Pool2dShape s) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        int places = places(s);
        forPlanes(s.planes(), s.height() * s.width(), (from, to) -> {
            float[] line = rows.floats(padded(s) + places); // a row with its padding, then a window at each place
            Arrays.fill(line, 0, padded(s), Float.NEGATIVE_INFINITY);
            for (int p = from; p < to; p++) {
                for (int i = 0; i < s.outHeight(); i++) {
                    int at = (p * s.height() + s.firstRow(i)) * s.width();
                    System.arraycopy(xs, at, line, s.padWidth(), s.width());
                    for (int r = s.firstRow(i) + 1; r < s.endRow(i); r++) {
                        at += s.width();
                        max(line, s.padWidth(), xs, at, s.width());
                    }
                    System.arraycopy(line, 0, line, padded(s), places);
                    for (int c = 1; c < s.kernelWidth(); c++) {
                        max(line, padded(s), line, c, places);
                    }
                    pick(ys, (p * s.outHeight() + i) * s.outWidth(), line, s);
                }
            }
        });
    }

    /** Columns of a row with its padding. */
    private static int padded(Pool2dShape s) {
        return s.width() + 2 * s.padWidth();
    }

    /** How many columns the first and last window of a row are apart, and one. */
    private static int places(Pool2dShape s) {
        return (s.outWidth() - 1) * s.strideWidth() + 1;
    }

    /** Takes the places of the windows that there are, after the padded row in {@code line}. */
    private static void pick(float[] y, int at, float[] line, Pool2dShape s) {
        int stride = s.strideWidth();
        for (int j = 0, c = padded(s); j < s.outWidth(); j++, c += stride) {
            y[at + j] = line[c];
        }
    }

    private static void max(float[] y, int atY, float[] x, int at, int n) {
        int c = 0;
        for (; c <= n - LANES; c += LANES) {
            FloatVector.fromArray(F, y, atY + c)
                    .lanewise(VectorOperators.MAX, FloatVector.fromArray(F, x, at + c))
                    .intoArray(y, atY + c);
        }
        for (; c < n; c++) {
            y[atY + c] = Math.max(y[atY + c], x[at + c]);
        }
    }

    @Override
    public void maxPool2dBackward(Storage dx, Storage dy, Storage x, Pool2dShape s) {
        float[] dxs = floats(dx);
        float[] dys = floats(dy);
        float[] xs = floats(x);
        int size = s.height() * s.width();
        forPlanes(s.planes(), size, (from, to) -> {
            Arrays.fill(dxs, from * size, to * size, 0f);
            for (int p = from; p < to; p++) {
                for (int i = 0; i < s.outHeight(); i++) {
                    int out = (p * s.outHeight() + i) * s.outWidth();
                    for (int j = 0; j < s.outWidth(); j++) {
                        dxs[greatest(xs, p * size, i, j, s)] += dys[out + j];
                    }
                }
            }
        });
    }

    /**
     * Index of the first greatest element of a window of the plane that starts at {@code base}; NaN is greatest. Value
     * and place are one number, so that the processor has no branches to guess, which it would guess wrong.
     */
    private static int greatest(float[] xs, int base, int i, int j, Pool2dShape s) {
        int first = base + s.firstColumn(j);
        int end = base + s.endColumn(j);
        long best = Long.MIN_VALUE;
        for (int r = s.firstRow(i); r < s.endRow(i); r++) {
            int row = r * s.width();
            for (int at = row + first; at < row + end; at++) {
                int bits = Float.floatToIntBits(xs[at] + 0f); // -0 becomes 0, all NaN the same
                int order = bits ^ (bits >> 31 & Integer.MAX_VALUE);
                best = Math.max(best, (long) order << 32 | Integer.MAX_VALUE - at);
            }
        }
        return Integer.MAX_VALUE - (int) best;
    }

    @Override
    public void avgPool2d(Storage y, Storage x, Pool2dShape s, boolean countPadding) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        forPlanes(s.planes(), s.height() * s.width(), (from, to) -> {
            float[] columns = rows.floats(s.width());
            for (int p = from; p < to; p++) {
                for (int i = 0; i < s.outHeight(); i++) {
                    Arrays.fill(columns, 0, s.width(), 0f);
                    for (int r = s.firstRow(i); r < s.endRow(i); r++) {
                        add(columns, 0, xs, (p * s.height() + r) * s.width(), s.width());
                    }
                    int out = (p * s.outHeight() + i) * s.outWidth();
                    for (int j = 0; j < s.outWidth(); j++) {
                        float sum = 0;
                        for (int c = s.firstColumn(j); c < s.endColumn(j); c++) {
                            sum += columns[c];
                        }
                        ys[out + j] = sum / s.divisor(i, j, countPadding);
                    }
                }
            }
        });
    }

    private static void add(float[] y, int atY, float[] x, int at, int n) {
        int c = 0;
        for (; c <= n - LANES; c += LANES) {
            FloatVector.fromArray(F, y, atY + c).add(FloatVector.fromArray(F, x, at + c)).intoArray(y, atY + c);
        }
        for (; c < n; c++) {
            y[atY + c] += x[at + c];
        }
    }

    @Override
    public void avgPool2dBackward(Storage dx, Storage dy, Pool2dShape s, boolean countPadding) {
        float[] dxs = floats(dx);
        float[] dys = floats(dy);
        int size = s.height() * s.width();
        forPlanes(s.planes(), size, (from, to) -> {
            float[] columns = rows.floats(s.width());
            Arrays.fill(dxs, from * size, to * size, 0f);
            for (int p = from; p < to; p++) {
                for (int i = 0; i < s.outHeight(); i++) {
                    Arrays.fill(columns, 0, s.width(), 0f);
                    int out = (p * s.outHeight() + i) * s.outWidth();
                    for (int j = 0; j < s.outWidth(); j++) {
                        float share = dys[out + j] / s.divisor(i, j, countPadding);
                        for (int c = s.firstColumn(j); c < s.endColumn(j); c++) {
                            columns[c] += share;
                        }
                    }
                    for (int r = s.firstRow(i); r < s.endRow(i); r++) {
                        add(dxs, p * size + r * s.width(), columns, 0, s.width());
                    }
                }
            }
        });
    }

    @Override
    public void resizeBilinear(Storage y, Storage x, ResizeShape s) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        ResizeShape.Neighbours vertical = s.rows();
        ResizeShape.Neighbours columns = s.columns();
        int width = s.outWidth();
        forPlanes(s.planes(), s.outHeight() * width, (from, to) -> {
            float[] lines = rows.floats(2 * width); // the two source rows in use, stretched; even rows first
            for (int p = from; p < to; p++) {
                int[] held = {-1, -1};
                for (int i = 0; i < s.outHeight(); i++) {
                    int upper = vertical.low()[i];
                    int lower = vertical.high()[i];
                    stretch(lines, held, upper, xs, (p * s.height() + upper) * s.width(), columns);
                    stretch(lines, held, lower, xs, (p * s.height() + lower) * s.width(), columns);
                    blend(
                            ys, (p * s.outHeight() + i) * width, lines, (upper & 1) * width, (lower & 1) * width,
                            vertical.share()[i], width);
                }
            }
        });
    }

    /** Puts source row {@code row} into its half of {@code lines} unless it is there. */
    private static void stretch(
            float[] lines, int[] held, int row, float[] x, int at, ResizeShape.Neighbours columns) {
        if (held[row & 1] == row) {
            return;
        }
        held[row & 1] = row;
        int[] low = columns.low();
        int[] high = columns.high();
        float[] share = columns.share();
        int to = (row & 1) * share.length;
        for (int j = 0; j < share.length; j++) {
            float left = x[at + low[j]];
            lines[to + j] = left + (x[at + high[j]] - left) * share[j];
        }
    }

    /** {@code y = top + (bottom - top) share}. */
    private static void blend(float[] y, int at, float[] lines, int top, int bottom, float share, int width) {
        int j = 0;
        for (; j <= width - LANES; j += LANES) {
            FloatVector t = FloatVector.fromArray(F, lines, top + j);
            FloatVector.fromArray(F, lines, bottom + j).sub(t).mul(share).add(t).intoArray(y, at + j);
        }
        for (; j < width; j++) {
            y[at + j] = lines[top + j] + (lines[bottom + j] - lines[top + j]) * share;
        }
    }

    @Override
    public void resizeBilinearBackward(Storage dx, Storage dy, ResizeShape s) {
        float[] dxs = floats(dx);
        float[] dys = floats(dy);
        ResizeShape.Neighbours vertical = s.rows();
        ResizeShape.Neighbours columns = s.columns();
        int size = s.height() * s.width();
        int width = s.outWidth();
        forPlanes(s.planes(), s.outHeight() * width, (from, to) -> {
            Arrays.fill(dxs, from * size, to * size, 0f);
            for (int p = from; p < to; p++) {
                for (int i = 0; i < s.outHeight(); i++) {
                    int upper = p * size + vertical.low()[i] * s.width();
                    int lower = p * size + vertical.high()[i] * s.width();
                    float down = vertical.share()[i];
                    int at = (p * s.outHeight() + i) * width;
                    for (int j = 0; j < width; j++) {
                        float dBottom = dys[at + j] * down;
                        float dTop = dys[at + j] - dBottom;
                        float share = columns.share()[j];
                        int left = columns.low()[j];
                        int right = columns.high()[j];
                        dxs[upper + left] += dTop * (1 - share);
                        dxs[upper + right] += dTop * share;
                        dxs[lower + left] += dBottom * (1 - share);
                        dxs[lower + right] += dBottom * share;
                    }
                }
            }
        });
    }

    @Override
    public void resizeNearest(Storage y, Storage x, ResizeShape s) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        int[] columns = nearestColumns(s);
        forPlanes(s.planes(), s.outHeight() * s.outWidth(), (from, to) -> {
            for (int p = from; p < to; p++) {
                for (int i = 0; i < s.outHeight(); i++) {
                    int row = (p * s.height() + ResizeShape.nearest(i, s.height(), s.outHeight())) * s.width();
                    int at = (p * s.outHeight() + i) * s.outWidth();
                    for (int j = 0; j < columns.length; j++) {
                        ys[at + j] = xs[row + columns[j]];
                    }
                }
            }
        });
    }

    private static int[] nearestColumns(ResizeShape s) {
        int[] columns = new int[s.outWidth()];
        Arrays.setAll(columns, j -> ResizeShape.nearest(j, s.width(), s.outWidth()));
        return columns;
    }

    @Override
    public void resizeNearestBackward(Storage dx, Storage dy, ResizeShape s) {
        float[] dxs = floats(dx);
        float[] dys = floats(dy);
        int[] columns = nearestColumns(s);
        int size = s.height() * s.width();
        forPlanes(s.planes(), s.outHeight() * s.outWidth(), (from, to) -> {
            Arrays.fill(dxs, from * size, to * size, 0f);
            for (int p = from; p < to; p++) {
                for (int i = 0; i < s.outHeight(); i++) {
                    int row = p * size + ResizeShape.nearest(i, s.height(), s.outHeight()) * s.width();
                    int at = (p * s.outHeight() + i) * s.outWidth();
                    for (int j = 0; j < columns.length; j++) {
                        dxs[row + columns[j]] += dys[at + j];
                    }
                }
            }
        });
    }

    @Override
    public void shift(Storage y, Storage x, Storage offsets, int sign, int batch, int channels, int height, int width) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        int[] by = ints(offsets);
        int size = height * width;
        forPlanes(batch * channels, size, (from, to) -> {
            Arrays.fill(ys, from * size, to * size, 0f);
            for (int p = from; p < to; p++) {
                long down = (long) sign * by[p / channels * 2];
                long right = (long) sign * by[p / channels * 2 + 1];
                int count = (int) Math.max(0, width - Math.abs(right));
                for (int i = Math.clamp(down, 0, height); i < Math.min(height, height + down) && count > 0; i++) {
                    int source = (int) (p * size + (i - down) * width + Math.max(0, -right));
                    System.arraycopy(xs, source, ys, (int) (p * size + i * width + Math.max(0, right)), count);
                }
            }
        });
    }
}
