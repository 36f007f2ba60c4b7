package org.aimjvm.cpu;

import static org.aimjvm.cpu.RowWeights.SUMS;
import static org.aimjvm.cpu.Simd.F;
import static org.aimjvm.cpu.Simd.LANES;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Products of {@link RowWeights} with more than two rows of x: two rows of W by {@link #ROWS} rows of x at a time, one vector of
 * each group of {@link RowWeights#SUMS} inputs after the other, so that twelve accumulators are all there is. The rows of x are
 * packed for it, so that one address serves them all.
 *
 * <p>Measured on AVX2: rows of x where they lie, or both vectors of a group at once, run at half the speed, since HotSpot then
 * unrolls the loop and keeps accumulators in memory.
 */
final class RowTile {
    /** Rows of x of a tile. */
    static final int ROWS = 6;
    /** Outputs whose sums are added up together: those of a vector. */
    static final int OUTPUTS = LANES;
    /** Floats of {@link #sums}' result and of its buffer. */
    static final int SUM_FLOATS = ROWS * OUTPUTS * SUMS;

    /** Vectors of a group of inputs. */
    private static final int PARTS = SUMS / LANES;
    /** Floats of packed x from group to group. */
    private static final int STEP = ROWS * LANES;

    private static final long STEP_BYTES = 4L * SUMS;
    /** Floats from the sums of a row of x to those of the next. */
    private static final int ROW = OUTPUTS * SUMS;

    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

    private RowTile() {}

    /** Floats of packed x: {@code rows} made a multiple of {@link #ROWS}, {@code in} a multiple of {@link RowWeights#SUMS}. */
    static int packedFloats(int rows, int in) {
        return (rows + ROWS - 1) / ROWS * ROWS * (in / SUMS * SUMS);
    }

    /**
     * Packs the first whole groups of inputs of x (rows, in): [tile of rows, part of a group, group, row, lane], with zeros for
     * the rows that the last tile lacks.
     */
    static void pack(float[] packed, float[] x, int rows, int in) {
        int steps = in / SUMS;
        int to = 0;
        for (int r0 = 0; r0 < rows; r0 += ROWS) {
            for (int part = 0; part < PARTS; part++) {
                for (int k = 0; k < steps; k++) {
                    for (int r = r0; r < r0 + ROWS; r++, to += LANES) {
                        if (r < rows) {
                            System.arraycopy(x, r * in + k * SUMS + part * LANES, packed, to, LANES);
                        } else {
                            Arrays.fill(packed, to, to + LANES, 0f);
                        }
                    }
                }
            }
        }
    }

    /**
     * The interleaved sums of {@link #ROWS} rows of x and {@code count} outputs over the whole groups of inputs.
     *
     * @param w row-major (out, in)
     * @param j first output
     * @param count 1 to {@link #OUTPUTS}; what {@code sums} holds for the others is any number
     * @param tile number of the rows in {@code packed}
     * @param sums output [row of x, output, sum]
     */
    static void sums(MemorySegment w, int in, int j, int count, float[] packed, int tile, float[] sums) {
        int steps = in / SUMS;
        for (int part = 0; part < PARTS; part++) {
            int xAt = (tile * PARTS + part) * steps * STEP;
            for (int i = 0; i < count; i += 2) {
                int next = Math.min(i + 1, count - 1);
                long at0 = 4L * ((long) (j + i) * in + part * LANES);
                long at1 = 4L * ((long) (j + next) * in + part * LANES);
                run(w, at0, at1, packed, xAt, steps, sums, i * SUMS + part * LANES);
            }
        }
    }

    private static void run(
            MemorySegment w, long at0, long at1, float[] x, int xAt, int steps, float[] sums, int to) {
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = a0;
        FloatVector a2 = a0;
        FloatVector a3 = a0;
        FloatVector a4 = a0;
        FloatVector a5 = a0;
        FloatVector b0 = a0;
        FloatVector b1 = a0;
        FloatVector b2 = a0;
        FloatVector b3 = a0;
        FloatVector b4 = a0;
        FloatVector b5 = a0;
        for (int k = 0; k < steps; k++) {
            FloatVector v = FloatVector.fromMemorySegment(F, w, at0 + STEP_BYTES * k, ORDER);
            FloatVector u = FloatVector.fromMemorySegment(F, w, at1 + STEP_BYTES * k, ORDER);
            FloatVector x0 = FloatVector.fromArray(F, x, xAt + k * STEP);
            a0 = x0.fma(v, a0);
            b0 = x0.fma(u, b0);
            FloatVector x1 = FloatVector.fromArray(F, x, xAt + k * STEP + LANES);
            a1 = x1.fma(v, a1);
            b1 = x1.fma(u, b1);
            FloatVector x2 = FloatVector.fromArray(F, x, xAt + k * STEP + 2 * LANES);
            a2 = x2.fma(v, a2);
            b2 = x2.fma(u, b2);
            FloatVector x3 = FloatVector.fromArray(F, x, xAt + k * STEP + 3 * LANES);
            a3 = x3.fma(v, a3);
            b3 = x3.fma(u, b3);
            FloatVector x4 = FloatVector.fromArray(F, x, xAt + k * STEP + 4 * LANES);
            a4 = x4.fma(v, a4);
            b4 = x4.fma(u, b4);
            FloatVector x5 = FloatVector.fromArray(F, x, xAt + k * STEP + 5 * LANES);
            a5 = x5.fma(v, a5);
            b5 = x5.fma(u, b5);
        }
        FloatVector one = FloatVector.broadcast(F, 1f);
        one.mul(a0).intoArray(sums, to);
        one.mul(b0).intoArray(sums, to + SUMS);
        one.mul(a1).intoArray(sums, to + ROW);
        one.mul(b1).intoArray(sums, to + ROW + SUMS);
        one.mul(a2).intoArray(sums, to + 2 * ROW);
        one.mul(b2).intoArray(sums, to + 2 * ROW + SUMS);
        one.mul(a3).intoArray(sums, to + 3 * ROW);
        one.mul(b3).intoArray(sums, to + 3 * ROW + SUMS);
        one.mul(a4).intoArray(sums, to + 4 * ROW);
        one.mul(b4).intoArray(sums, to + 4 * ROW + SUMS);
        one.mul(a5).intoArray(sums, to + 5 * ROW);
        one.mul(b5).intoArray(sums, to + 5 * ROW + SUMS);
    }

    /**
     * Adds up sums by halving, as {@link RowWeights} says: {@code totals[r, j]} of the {@link #SUM_FLOATS} of [row of x, output,
     * sum].
     *
     * @param turned buffer of {@link #SUM_FLOATS}
     * @param totals output (ROWS, OUTPUTS)
     */
    static void total(float[] sums, float[] turned, float[] totals) {
        int ld = ROWS * OUTPUTS;
        VectorTranspose.transpose(turned, 0, ld, sums, 0, SUMS, ld, SUMS);
        for (int i = 0; i < ld; i += LANES) {
            FloatVector s0 = half(turned, ld, i, 0);
            FloatVector s1 = half(turned, ld, i, 1);
            FloatVector s2 = half(turned, ld, i, 2);
            FloatVector s3 = half(turned, ld, i, 3);
            s0.add(s2).add(s1.add(s3)).intoArray(totals, i);
        }
    }

    /** Sums i, i + 8, i + 4 and i + 12 of a vector of elements. */
    private static FloatVector half(float[] turned, int ld, int at, int i) {
        return FloatVector.fromArray(F, turned, at + i * ld)
                .add(FloatVector.fromArray(F, turned, at + (i + 8) * ld))
                .add(FloatVector.fromArray(F, turned, at + (i + 4) * ld)
                        .add(FloatVector.fromArray(F, turned, at + (i + 12) * ld)));
    }
}
