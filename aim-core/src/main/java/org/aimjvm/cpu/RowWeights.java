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
    /** Rows of x that are multiplied as they are: that costs less than packing them. */
    private static final int FEW_ROWS = 2;

    private static final ThreadLocal<Workspace> WORKSPACE = ThreadLocal.withInitial(Workspace::new);
    private static final int PACKED_SLOT = 0;
    private static final int SUMS_SLOT = 1;
    private static final int TURNED_SLOT = 2;
    private static final int TOTALS_SLOT = 3;

    private final MemorySegment segment;

    private RowWeights(MemorySegment segment, int out, int in) {
        super(out, in);
        this.segment = segment;
    }

    /** A matrix where it lies, or copied once to native memory that is freed when this is no longer reachable. */
    static RowWeights of(WeightMatrix matrix) {
        if (matrix instanceof WeightMatrix.Mapped mapped) {
            return new RowWeights(mapped.segment(), mapped.out(), mapped.in());
        }
        float[] values = matrix.floats();
        MemorySegment copy = Arena.ofAuto().allocate(Math.max(1, 4L * values.length), 64);
        MemorySegment.copy(values, 0, copy, FLOAT, 0, values.length);
        return new RowWeights(copy, matrix.out(), matrix.in());
    }

    @Override
    void multiply(float[] y, float[] x, int count, Parallel parallel) {
        if (count <= FEW_ROWS) {
            parallel.forRange(out, grain(1), (from, to) -> {
                float[] sums = WORKSPACE.get().floats(SUMS_SLOT, 2 * SUMS);
                for (int j = from; j < to; j++) {
                    row(y, x, count, j, sums);
                }
            });
        } else {
            float[] packed = WORKSPACE.get().floats(PACKED_SLOT, RowTile.packedFloats(count, in));
            parallel.forRange(1, 1, (from, to) -> RowTile.pack(packed, x, count, in)); // a launch, so that a recording repeats it
            parallel.forRange(out, grain(RowTile.OUTPUTS), (from, to) -> many(y, x, packed, count, from, to));
        }
    }

    /** Outputs of a piece of work, a multiple of {@code multiple}. */
    private int grain(int multiple) {
        int least = MIN_WORK / Math.max(1, in);
        int outputs = Math.clamp(least, 1, Math.max(1, out / PIECES));
        return (outputs + multiple - 1) / multiple * multiple;
    }

    /** Outputs {@code [from, to)} of more than {@link #FEW_ROWS} rows. */
    private void many(float[] y, float[] x, float[] packed, int count, int from, int to) {
        Workspace w = WORKSPACE.get();
        float[] sums = w.floats(SUMS_SLOT, RowTile.SUM_FLOATS);
        float[] turned = w.floats(TURNED_SLOT, RowTile.SUM_FLOATS);
        float[] totals = w.floats(TOTALS_SLOT, RowTile.ROWS * RowTile.OUTPUTS);
        for (int r = 0; r < count; r += RowTile.ROWS) {
            int rows = Math.min(RowTile.ROWS, count - r);
            for (int j = from; j < to; j += RowTile.OUTPUTS) {
                int outputs = Math.min(RowTile.OUTPUTS, to - j);
                RowTile.sums(segment, in, j, outputs, packed, r / RowTile.ROWS, sums);
                for (int i = 0; i < rows && in % SUMS != 0; i++) {
                    for (int o = 0; o < outputs; o++) {
                        addRest(sums, (i * RowTile.OUTPUTS + o) * SUMS, j + o, x, (r + i) * in);
                    }
                }
                RowTile.total(sums, turned, totals);
                for (int i = 0; i < rows; i++) {
                    System.arraycopy(totals, i * RowTile.OUTPUTS, y, (r + i) * out + j, outputs);
                }
            }
        }
    }

    /** Output {@code j} of one or two rows of x. */
    private void row(float[] y, float[] x, int count, int j, float[] sums) {
        int last = (count - 1) * in;
        RowDots.one(segment, 4L * j * in, x, 0, last, in / SUMS * SUMS, sums);
        y[j] = total(sums, 0, j, x, 0);
        if (count > 1) {
            y[out + j] = total(sums, SUMS, j, x, last);
        }
    }

    /** Takes the last inputs into the sums and adds these by halving. */
    private float total(float[] sums, int at, int j, float[] x, int xAt) {
        addRest(sums, at, j, x, xAt);
        float s0 = sums[at] + sums[at + 8] + (sums[at + 4] + sums[at + 12]);
        float s1 = sums[at + 1] + sums[at + 9] + (sums[at + 5] + sums[at + 13]);
        float s2 = sums[at + 2] + sums[at + 10] + (sums[at + 6] + sums[at + 14]);
        float s3 = sums[at + 3] + sums[at + 11] + (sums[at + 7] + sums[at + 15]);
        return s0 + s2 + (s1 + s3);
    }

    /** Takes the inputs behind the last whole {@link #SUMS} into the sums. */
    private void addRest(float[] sums, int at, int j, float[] x, int xAt) {
        for (int k = in / SUMS * SUMS; k < in; k++) {
            int i = at + k % SUMS;
            sums[i] = Math.fma(segment.get(FLOAT, 4L * ((long) j * in + k)), x[xAt + k], sums[i]);
        }
    }

    @Override
    void row(int j, float[] values, int to) {
        MemorySegment.copy(segment, FLOAT, 4L * j * in, values, to, in);
    }
}
