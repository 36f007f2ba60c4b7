package org.aimjvm.cpu.ssm;

import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LT;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.aimjvm.cpu.gemm.SmallGemm;
import org.aimjvm.cpu.simd.Lanes;
import org.aimjvm.cpu.simd.Simd;
import org.aimjvm.cpu.simd.VectorMath;

/**
 * Steps and decays of one head in one chunk of an SSD scan. With steps d and {@code s_i = A (d_0 + .. + d_i)}:
 *
 * <pre>
 * fromStart[i] = exp(s_i)                  what is left at i of the state before the chunk
 * toEnd[j]     = exp(s_last - s_j)         what is left at the end of what j put in
 * decay[i, j]  = exp(s_i - s_j), j &lt;= i    what is left at i of what j put in; zero above the diagonal
 * </pre>
 *
 * <p>Sums are in double; exponents are differences that are never positive, so nothing overflows, and no decay is a
 * quotient of two that may have vanished. Away from the diagonal a decay is the product of those to and from a row
 * between the two, {@code exp(s_i - s_m) exp(s_m - s_j)} with {@code j <= m < i}, which needs one exponential per row
 * and one per column instead of one per element.
 */
final class SsdChunk {
    /** Greatest length of a chunk, Q. */
    static final int SIZE = 64;

    private static final int BLOCK = SmallGemm.BLOCK;
    private static final int LANES = Simd.LANES;
    private static final FloatVector IOTA = FloatVector.fromArray(Simd.F, iota(), 0);

    /** Elements in use, q; what lies above up to a multiple of {@link SmallGemm#BLOCK} holds neutral values. */
    private int length;

    /** Steps after softplus and limits; zero above the length. */
    final float[] step = new float[SIZE];

    final float[] fromStart = new float[SIZE];
    final float[] toEnd = new float[SIZE];
    /** (SIZE, SIZE): the blocks on and below the diagonal. */
    final float[] decay = new float[SIZE * SIZE];

    private final float[] raw = new float[SIZE];
    /** Steps before limits. */
    private final float[] unlimited = new float[SIZE];

    private final float[] slope = new float[SIZE];
    private final double[] logDecay = new double[SIZE];
    private final float[] rowFactor = new float[BLOCK];
    private final float[] colFactor = new float[SIZE];
    private final float[] diagonal = new float[BLOCK * BLOCK];

    private static float[] iota() {
        float[] values = new float[LANES];
        for (int i = 0; i < LANES; i++) {
            values[i] = i;
        }
        return values;
    }

    /** The least multiple of {@link SmallGemm#BLOCK} that is not less than {@code n}. */
    static int padded(int n) {
        return (n + BLOCK - 1) / BLOCK * BLOCK;
    }

    /**
     * Reads the raw steps of a head, {@code stride} apart from {@code at} on, and fills everything but {@link #decay}.
     *
     * @param a the head's A, negative
     */
    void load(float[] dt, int at, int stride, int length, float bias, float a, float dtMin, float dtMax) {
        this.length = length;
        int end = padded(length);
        for (int i = 0; i < length; i++) {
            raw[i] = dt[at + i * stride] + bias;
        }
        Arrays.fill(raw, length, end, 0f);
        VectorMath.softplus(unlimited, 0, raw, 0, end);
        for (int i = 0; i < end; i += LANES) {
            FloatVector d = FloatVector.fromArray(Simd.F, unlimited, i);
            d.blend(dtMin, d.compare(LT, dtMin)).blend(dtMax, d.compare(GT, dtMax)).intoArray(step, i);
        }
        Arrays.fill(step, length, end, 0f);
        double sum = 0;
        for (int i = 0; i < end; i++) {
            sum += (double) step[i] * a;
            logDecay[i] = sum;
            fromStart[i] = (float) sum;
        }
        for (int i = 0; i < end; i++) {
            toEnd[i] = (float) (sum - logDecay[i]);
        }
        VectorMath.exp(fromStart, 0, end);
        VectorMath.exp(toEnd, 0, end);
    }

    /** What is left at the end of the state before the chunk. */
    float total() {
        return fromStart[length - 1];
    }

    /** Fills {@link #decay}. */
    void fillDecay() {
        int end = padded(length);
        for (int i0 = 0; i0 < end; i0 += BLOCK) {
            double start = i0 == 0 ? 0 : logDecay[i0 - 1];
            for (int j = 0; j < i0; j++) {
                colFactor[j] = (float) (start - logDecay[j]);
            }
            for (int i = 0; i < BLOCK; i++) {
                rowFactor[i] = (float) (logDecay[i0 + i] - start);
            }
            diagonalBlock(i0);
            VectorMath.exp(colFactor, 0, i0);
            VectorMath.exp(rowFactor, 0, BLOCK);
            for (int i = 0; i < BLOCK; i++) {
                int row = (i0 + i) * SIZE;
                for (int j = 0; j < i0; j += LANES) {
                    FloatVector.fromArray(Simd.F, colFactor, j).mul(rowFactor[i]).intoArray(decay, row + j);
                }
            }
        }
    }

    private void diagonalBlock(int i0) {
        for (int i = 0; i < BLOCK; i++) {
            for (int j = 0; j < BLOCK; j += LANES) {
                FloatVector.broadcast(Simd.F, rowFactor[i])
                        .sub(FloatVector.fromArray(Simd.F, rowFactor, j))
                        .blend(0f, IOTA.add(j).compare(GT, i))
                        .intoArray(diagonal, i * BLOCK + j);
            }
        }
        VectorMath.exp(diagonal, 0, BLOCK * BLOCK);
        for (int i = 0; i < BLOCK; i++) {
            for (int j = 0; j < BLOCK; j += LANES) {
                FloatVector.fromArray(Simd.F, diagonal, i * BLOCK + j)
                        .blend(0f, IOTA.add(j).compare(GT, i))
                        .intoArray(decay, (i0 + i) * SIZE + i0 + j);
            }
        }
    }

    /** Turns {@link #decay} into what maps inputs to outputs inside the chunk: {@code g[i, j] decay[i, j] d_j}. */
    void weigh(float[] g, int gAt) {
        for (int i = 0; i < length; i++) {
            int row = i * SIZE;
            // above the diagonal g may hold anything, even NaN of the future, so rows stop there
            for (int j = 0; j <= i; j += LANES) {
                FloatVector m = FloatVector.fromArray(Simd.F, g, gAt + row + j)
                        .mul(FloatVector.fromArray(Simd.F, decay, row + j))
                        .mul(FloatVector.fromArray(Simd.F, step, j));
                m.blend(0f, IOTA.add(j).compare(GT, i)).intoArray(decay, row + j);
            }
        }
    }

    /**
     * From the gradient of the map made by {@link #weigh}, that of what it was made of; and {@link #decay} becomes
     * that map.
     *
     * @param dMap gradient of the map, (SIZE, SIZE); anything above the diagonal
     * @param g as in {@link #weigh}
     * @param dG Modified: its gradient is added
     * @param dStep output: the part of the steps' gradient that does not go through a decay
     * @param dLogDecay output: gradient of {@code s_i}
     */
    void weighBackward(float[] dMap, float[] g, int gAt, float[] dG, float[] dStep, double[] dLogDecay) {
        int end = padded(length);
        Arrays.fill(dStep, 0, end, 0f);
        for (int i = 0; i < length; i++) {
            int row = i * SIZE;
            FloatVector rowSum = FloatVector.zero(Simd.F);
            for (int j = 0; j <= i; j += LANES) {
                VectorMask<Float> future = IOTA.add(j).compare(GT, i);
                FloatVector d = FloatVector.fromArray(Simd.F, step, j);
                FloatVector left = FloatVector.fromArray(Simd.F, decay, row + j);
                FloatVector weight = FloatVector.fromArray(Simd.F, g, gAt + row + j).mul(left).blend(0f, future);
                FloatVector dm = FloatVector.fromArray(Simd.F, dMap, row + j).blend(0f, future);
                FloatVector.fromArray(Simd.F, dG, gAt + row + j).add(dm.mul(d).mul(left)).intoArray(dG, gAt + row + j);
                weight.mul(d).intoArray(decay, row + j);
                // the diagonal does not decay: its terms would cancel, but for rounding
                FloatVector past = dm.mul(weight).blend(0f, IOTA.add(j).compare(GE, i));
                FloatVector.fromArray(Simd.F, dStep, j).add(past).intoArray(dStep, j);
                rowSum = past.fma(d, rowSum);
            }
            dLogDecay[i] = Lanes.sum(rowSum);
        }
        for (int j = 0; j < length; j++) {
            dLogDecay[j] -= (double) dStep[j] * step[j];
            dStep[j] += dMap[j * SIZE + j] * g[gAt + j * SIZE + j];
        }
    }

    /**
     * Multiplies the steps' gradient by their derivative with respect to the raw values: zero where a limit holds
     * one.
     */
    void stepBackward(float[] dStep, float dtMin, float dtMax) {
        VectorMath.sigmoid(slope, 0, raw, 0, padded(length));
        for (int i = 0; i < length; i += LANES) {
            FloatVector d = FloatVector.fromArray(Simd.F, unlimited, i);
            FloatVector.fromArray(Simd.F, dStep, i)
                    .mul(FloatVector.fromArray(Simd.F, slope, i))
                    .blend(0f, d.compare(LT, dtMin).or(d.compare(GT, dtMax)))
                    .intoArray(dStep, i);
        }
    }
}
