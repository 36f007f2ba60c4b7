package org.aimjvm.cpu.gemm;

import static org.aimjvm.cpu.simd.ScalarTwins.SUMS;
import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;

/**
 * Products of {@link RowWeights} with more than two rows of x: two rows of W by {@link #ROWS} rows of x at a time, one
 * vector of each group of {@link org.aimjvm.cpu.simd.ScalarTwins#SUMS} inputs after the other, so that twelve
 * accumulators are all there is. The rows of x are packed for it, so that one address serves them all.
 *
 * <p>Measured on AVX2: rows of x where they lie, or both vectors of a group at once, run at half the speed, since
 * HotSpot then unrolls the loop and keeps accumulators in memory.
 */
final class RowTile {
    /** Rows of x of a tile. */
    static final int ROWS = 6;
    /** Outputs of a tile. */
    static final int OUTPUTS = 2;
    /** Floats of the buffer for the sums of a tile. */
    static final int SUM_FLOATS = ROWS * OUTPUTS * SUMS;

    /** Vectors of a group of inputs. */
    private static final int PARTS = SUMS / LANES;
    /** Floats of packed x from group to group. */
    private static final int STEP = ROWS * LANES;

    private static final long STEP_BYTES = 4L * SUMS;
    /** Floats of the sums that one vector of each group gives. */
    private static final int PART = ROWS * OUTPUTS * LANES;

    private static final VectorShuffle<Float> SWAP1 = swap(1);
    private static final VectorShuffle<Float> SWAP2 = swap(2);
    private static final VectorShuffle<Float> SWAP4 = swap(4);
    private static final VectorShuffle<Float> SWAP8 = swap(8);

    private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

    private RowTile() {}

    /** Exchanges lanes that are {@code distance} apart. */
    private static VectorShuffle<Float> swap(int distance) {
        return VectorShuffle.fromOp(F, i -> (i ^ distance) % LANES);
    }

    /**
     * Floats of packed x: {@code rows} made a multiple of {@link #ROWS}, {@code in} a multiple of {@link
     * org.aimjvm.cpu.simd.ScalarTwins#SUMS}.
     */
    static int packedFloats(int rows, int in) {
        return (rows + ROWS - 1) / ROWS * ROWS * (in / SUMS * SUMS);
    }

    /**
     * Packs the whole groups of inputs of rows {@code [start, end)} of x: [tile of rows, part of a group, group, row,
     * lane], with zeros for the rows that the last tile lacks.
     */
    static void pack(float[] packed, float[] x, int start, int end, int in) {
        int steps = in / SUMS;
        int to = 0;
        for (int r0 = start; r0 < end; r0 += ROWS) {
            for (int part = 0; part < PARTS; part++) {
                for (int k = 0; k < steps; k++) {
                    for (int r = r0; r < r0 + ROWS; r++, to += LANES) {
                        if (r < end) {
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
     * Outputs {@code j} and {@code j + 1} of {@code rows} rows of x, added up as {@link RowWeights} says.
     *
     * @param w row-major (out, in); {@code in} is a multiple of {@link org.aimjvm.cpu.simd.ScalarTwins#SUMS}
     * @param j may be the last output
     * @param packed of {@link #pack}
     * @param p number of the first row in {@code packed}, a multiple of {@link #ROWS}
     * @param r number of the first row in y
     * @param rows 1 to {@link #ROWS}
     * @param sums buffer of {@link #SUM_FLOATS}
     * @param y output (row, out)
     */
    static void multiply(
            MemorySegment w, int in, int j, int out, float[] packed, int p, int r, int rows, float[] sums,
            float[] y) {
        int steps = in / SUMS;
        int next = Math.min(j + 1, out - 1);
        for (int part = 0; part < PARTS; part++) {
            long at0 = 4L * ((long) j * in + part * LANES);
            long at1 = 4L * ((long) next * in + part * LANES);
            run(w, at0, at1, packed, (p * PARTS / ROWS + part) * steps * STEP, steps, sums, part * PART);
        }
        for (int i = 0; i < rows; i++) {
            y[(r + i) * out + j] = total(sums, 2 * i * LANES);
            y[(r + i) * out + next] = total(sums, (2 * i + (next - j)) * LANES);
        }
    }

    /** Adds up the sums of an element by halving: each with the one 8 on, then 4, 2 and 1 on. */
    private static float total(float[] sums, int at) {
        FloatVector v = FloatVector.fromArray(F, sums, at);
        if (PARTS == 4) {
            v = v.add(FloatVector.fromArray(F, sums, at + 2 * PART));
            v = v.add(FloatVector.fromArray(F, sums, at + PART).add(FloatVector.fromArray(F, sums, at + 3 * PART)));
        } else if (PARTS == 2) {
            v = v.add(FloatVector.fromArray(F, sums, at + PART));
            v = v.add(v.rearrange(SWAP4));
        } else {
            v = v.add(v.rearrange(SWAP8));
            v = v.add(v.rearrange(SWAP4));
        }
        v = v.add(v.rearrange(SWAP2));
        return v.add(v.rearrange(SWAP1)).lane(0);
    }

    /** Sums of one vector of each group, [row of x, output, lane]. */
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
        one.mul(b0).intoArray(sums, to + LANES);
        one.mul(a1).intoArray(sums, to + 2 * LANES);
        one.mul(b1).intoArray(sums, to + 3 * LANES);
        one.mul(a2).intoArray(sums, to + 4 * LANES);
        one.mul(b2).intoArray(sums, to + 5 * LANES);
        one.mul(a3).intoArray(sums, to + 6 * LANES);
        one.mul(b3).intoArray(sums, to + 7 * LANES);
        one.mul(a4).intoArray(sums, to + 8 * LANES);
        one.mul(b4).intoArray(sums, to + 9 * LANES);
        one.mul(a5).intoArray(sums, to + 10 * LANES);
        one.mul(b5).intoArray(sums, to + 11 * LANES);
    }
}
