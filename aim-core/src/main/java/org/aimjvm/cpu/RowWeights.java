package org.aimjvm.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.aimjvm.tensor.WeightMatrix;

/**
 * F32 weights row by row in native memory, as they lie in a mapped file: nothing is copied, and a product reads one stream.
 *
 * <p>Lanes are inputs here, so the order of additions is another one than that of {@link GemmTile}: the chain of fused
 * multiply-adds over k = i, i + 16, i + 32, ... for each i &lt; 16, and then these sums by halving. It depends neither on
 * the number of rows nor on threads or the width of a vector.
 */
final class RowWeights extends FrozenWeights {
    /** Interleaved sums of an element. */
    static final int SUMS = 16;
    /** Weights of a piece of work, at least. */
    private static final int MIN_WORK = 1 << 15;
    /** Pieces a product should have if it is large enough. */
    private static final int PIECES = 16;

    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ThreadLocal<float[]> BUFFER = ThreadLocal.withInitial(() -> new float[4 * SUMS]);

    private final MemorySegment rows;

    private RowWeights(MemorySegment rows, int out, int in) {
        super(out, in);
        this.rows = rows;
    }

    /** A matrix where it lies, or copied once to native memory that is freed when this is no longer reachable. */
    static RowWeights of(WeightMatrix matrix) {
        if (matrix instanceof WeightMatrix.Mapped mapped) {
            return new RowWeights(mapped.rows(), mapped.out(), mapped.in());
        }
        float[] values = matrix.floats();
        MemorySegment copy = Arena.ofAuto().allocate(Math.max(1, 4L * values.length), 64);
        MemorySegment.copy(values, 0, copy, FLOAT, 0, values.length);
        return new RowWeights(copy, matrix.out(), matrix.in());
    }

    @Override
    void multiply(float[] y, float[] x, int count, Parallel parallel) {
        int grain = 2 * Math.clamp(MIN_WORK / (2L * Math.max(1, in)), 1, Math.max(1, out / (2 * PIECES)));
        parallel.forRange(out, grain, (from, to) -> {
            float[] sums = BUFFER.get();
            Warmth.worked((long) count * in * (to - from));
            if (Warmth.isCold()) {
                plainRows(y, x, count, from, to, sums);
                return;
            }
            for (int j = from; j < to; j += 2) {
                if (j + 1 < to && count > 2) {
                    for (int r = 0; r < count; r += 2) {
                        block(y, x, r, Math.min(2, count - r), j, sums);
                    }
                } else {
                    for (int i = j; i < Math.min(to, j + 2); i++) {
                        for (int r = 0; r < count; r += 2) {
                            row(y, x, r, Math.min(2, count - r), i, sums);
                        }
                    }
                }
            }
        });
    }

    /** Outputs {@code [from, to)} of all rows of x while the JVM is cold: a row of W is copied, as segments are slow then. */
    private void plainRows(float[] y, float[] x, int count, int from, int to, float[] sums) {
        float[] w = new float[in];
        int done = in / SUMS * SUMS;
        for (int j = from; j < to; j++) {
            row(j, w, 0);
            for (int r = 0; r < count; r++) {
                ScalarTwins.rowSums(w, x, r * in, done, sums);
                y[r * out + j] = total(sums, 0, j, x, r * in, done);
            }
        }
    }

    /** Output {@code j} of one or two rows of x. */
    private void row(float[] y, float[] x, int r, int count, int j, float[] sums) {
        int x0 = r * in;
        int x1 = (r + count - 1) * in;
        int done = in / SUMS * SUMS;
        RowDots.one(rows, 4L * j * in, x, x0, x1, done, sums);
        y[r * out + j] = total(sums, 0, j, x, x0, done);
        if (count > 1) {
            y[(r + 1) * out + j] = total(sums, SUMS, j, x, x1, done);
        }
    }

    /** Outputs {@code j} and {@code j + 1} of one or two rows of x. */
    private void block(float[] y, float[] x, int r, int count, int j, float[] sums) {
        if (!RowDots.hasTwo()) {
            row(y, x, r, count, j, sums);
            row(y, x, r, count, j + 1, sums);
            return;
        }
        int x0 = r * in;
        int x1 = (r + count - 1) * in;
        int done = in / SUMS * SUMS;
        RowDots.two(rows, 4L * j * in, 4L * (j + 1) * in, x, x0, x1, done, sums);
        y[r * out + j] = total(sums, 0, j, x, x0, done);
        y[r * out + j + 1] = total(sums, 2 * SUMS, j + 1, x, x0, done);
        if (count > 1) {
            y[(r + 1) * out + j] = total(sums, SUMS, j, x, x1, done);
            y[(r + 1) * out + j + 1] = total(sums, 3 * SUMS, j + 1, x, x1, done);
        }
    }

    /** Takes the inputs from {@code done} on into the sums and adds these by halving. */
    private float total(float[] sums, int at, int j, float[] x, int xAt, int done) {
        for (int k = done; k < in; k++) {
            int i = at + k % SUMS;
            sums[i] = Math.fma(rows.get(FLOAT, 4L * ((long) j * in + k)), x[xAt + k], sums[i]);
        }
        float s0 = sums[at] + sums[at + 8] + (sums[at + 4] + sums[at + 12]);
        float s1 = sums[at + 1] + sums[at + 9] + (sums[at + 5] + sums[at + 13]);
        float s2 = sums[at + 2] + sums[at + 10] + (sums[at + 6] + sums[at + 14]);
        float s3 = sums[at + 3] + sums[at + 11] + (sums[at + 7] + sums[at + 15]);
        return s0 + s2 + (s1 + s3);
    }

    @Override
    void row(int j, float[] values, int to) {
        MemorySegment.copy(rows, FLOAT, 4L * j * in, values, to, in);
    }
}
