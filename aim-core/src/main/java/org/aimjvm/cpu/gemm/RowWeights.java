package org.aimjvm.cpu.gemm;

import static org.aimjvm.cpu.simd.ScalarTwins.SUMS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.aimjvm.backend.WeightMatrix;
import org.aimjvm.cpu.gemm.WeightBuffers.Name;
import org.aimjvm.cpu.memory.FrozenWeights;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.memory.Warmth;
import org.aimjvm.cpu.simd.ScalarTwins;

/**
 * F32 weights row by row in native memory, as they lie in a mapped file: nothing is copied, and a product reads one
 * stream.
 *
 * <p>Lanes are inputs here, so the order of additions is another one than that of {@link GemmTile}: the chain of fused
 * multiply-adds over k = i, i + 16, i + 32, ... for each i &lt; 16, and then these sums by halving. It depends neither
 * on the number of rows nor on threads or the width of a vector.
 */
public final class RowWeights extends FrozenWeights {
    /** Weights of a piece of work, at least. */
    private static final int MIN_WORK = 1 << 15;
    /** Pieces a product should have if it is large enough. */
    private static final int PIECES = 16;

    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    /** Rows of x that are packed at a time, whole tiles: bounds the memory that a thread keeps for them. */
    private static final int GROUP = 16 * RowTile.ROWS;
    /** Rows of x that are multiplied as they are: that costs less than packing them. */
    private static final int FEW_ROWS = 2;

    private final MemorySegment segment;
    private final WeightBuffers buffers;

    private RowWeights(MemorySegment segment, int out, int in, WeightBuffers buffers) {
        super(out, in);
        this.segment = segment;
        this.buffers = buffers;
    }

    /** A matrix where it lies, or copied once to native memory that is freed when this is no longer reachable. */
    public static RowWeights of(WeightMatrix matrix, WeightBuffers buffers) {
        if (matrix instanceof WeightMatrix.Mapped mapped) {
            return new RowWeights(mapped.segment(), mapped.out(), mapped.in(), buffers);
        }
        float[] values = matrix.floats();
        MemorySegment copy = Arena.ofAuto().allocate(Math.max(1, 4L * values.length), 64);
        MemorySegment.copy(values, 0, copy, FLOAT, 0, values.length);
        return new RowWeights(copy, matrix.out(), matrix.in(), buffers);
    }

    @Override
    public void multiply(float[] y, float[] x, int count, Parallel parallel) {
        if (count <= FEW_ROWS || in % SUMS != 0) {
            parallel.forRange(out, grain(), (from, to) -> {
                float[] sums = buffers.get().floats(Name.ROW_SUMS, 2 * SUMS);
                if (isCold(count, to - from)) {
                    plainRows(y, x, 0, count, from, to, sums);
                    return;
                }
                for (int r = 0; r < count; r += 2) {
                    for (int j = from; j < to; j++) {
                        row(y, x, r, Math.min(2, count - r), j, sums);
                    }
                }
            });
        } else {
            float[] packed = buffers.get().floats(Name.PACKED_ROWS, RowTile.packedFloats(Math.min(count, GROUP), in));
            for (int first = 0; first < count; first += GROUP) {
                int start = first;
                int end = Math.min(count, first + GROUP);
                // a launch: captures replay it
                parallel.forRange(1, 1, (from, to) -> RowTile.pack(packed, x, start, end, in));
                parallel.forRange(out, grain(), (from, to) -> many(y, x, packed, start, end, from, to));
            }
        }
    }

    /** Outputs {@code [from, to)} of packed rows {@code [start, end)}. */
    private void many(float[] y, float[] x, float[] packed, int start, int end, int from, int to) {
        float[] sums = buffers.get().floats(Name.ROW_SUMS, RowTile.SUM_FLOATS);
        if (isCold(end - start, to - from)) {
            plainRows(y, x, start, end, from, to, sums);
            return;
        }
        for (int r = start; r < end; r += RowTile.ROWS) {
            int rows = Math.min(RowTile.ROWS, end - r);
            for (int j = from; j < to; j += RowTile.OUTPUTS) {
                RowTile.multiply(segment, in, j, out, packed, r - start, r, rows, sums, y);
            }
        }
    }

    private boolean isCold(int rows, int outputs) {
        Warmth.worked((long) rows * in * outputs);
        return Warmth.isCold();
    }

    /** Outputs of a piece of work, an even number. */
    private int grain() {
        return 2 * Math.clamp(MIN_WORK / (2L * Math.max(1, in)), 1, Math.max(1, out / (2 * PIECES)));
    }

    /**
     * Outputs {@code [from, to)} of rows {@code [start, end)} of x while the JVM is cold: a row of W is copied, as
     * segments are slow then.
     */
    private void plainRows(float[] y, float[] x, int start, int end, int from, int to, float[] sums) {
        float[] w = new float[in];
        int done = in / SUMS * SUMS;
        for (int j = from; j < to; j++) {
            row(j, w, 0);
            for (int r = start; r < end; r++) {
                ScalarTwins.rowSums(w, x, r * in, done, sums);
                y[r * out + j] = total(sums, 0, j, x, r * in);
            }
        }
    }

    /** Output {@code j} of one or two rows of x. */
    private void row(float[] y, float[] x, int r, int count, int j, float[] sums) {
        int x0 = r * in;
        int x1 = (r + count - 1) * in;
        RowDots.one(segment, 4L * j * in, x, x0, x1, in / SUMS * SUMS, sums);
        y[r * out + j] = total(sums, 0, j, x, x0);
        if (count > 1) {
            y[(r + 1) * out + j] = total(sums, SUMS, j, x, x1);
        }
    }

    /** Takes the inputs after the last whole {@link #SUMS} into the sums and adds these by halving. */
    private float total(float[] sums, int at, int j, float[] x, int xAt) {
        for (int k = in / SUMS * SUMS; k < in; k++) {
            int i = at + k % SUMS;
            sums[i] = Math.fma(segment.get(FLOAT, 4L * ((long) j * in + k)), x[xAt + k], sums[i]);
        }
        float s0 = sums[at] + sums[at + 8] + (sums[at + 4] + sums[at + 12]);
        float s1 = sums[at + 1] + sums[at + 9] + (sums[at + 5] + sums[at + 13]);
        float s2 = sums[at + 2] + sums[at + 10] + (sums[at + 6] + sums[at + 14]);
        float s3 = sums[at + 3] + sums[at + 11] + (sums[at + 7] + sums[at + 15]);
        return s0 + s2 + (s1 + s3);
    }

    @Override
    public void row(int j, float[] values, int to) {
        MemorySegment.copy(segment, FLOAT, 4L * j * in, values, to, in);
    }
}
