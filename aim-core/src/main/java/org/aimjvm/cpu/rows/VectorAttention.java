package org.aimjvm.cpu.rows;

import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.aimjvm.backend.SoftmaxKernels.AttentionShape;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.memory.Scratch;
import org.aimjvm.cpu.simd.Lanes;
import org.aimjvm.cpu.simd.VectorSums;

/**
 * Causal attention by vectors, one query at a time over the keys it sees: scores, their softmax, and the weighted sum
 * of values. A query's bits depend on its keys alone, so decoding token by token gives those of a whole sequence.
 *
 * <p>Forward pieces are queries of one head; backward pieces are key/value heads of one sequence, each of which goes
 * through its queries in order.
 */
final class VectorAttention {
    private final Parallel parallel;
    private final Scratch scores = new Scratch();

    VectorAttention(Parallel parallel) {
        this.parallel = parallel;
    }

    void forward(
            float[] out, float[] q, float[] k, float[] v, int[] keysUsed, AttentionShape s) {
        int queryLength = s.queryLength();
        int keyCapacity = s.keyCapacity();
        int heads = s.heads();
        int kvHeads = s.kvHeads();
        int headDim = s.headDim();
        float scale = (float) (1 / Math.sqrt(headDim));
        int kvRow = kvHeads * headDim;
        int grain = Math.max(1, VectorElementwiseKernels.GRAIN / Math.max(1, keyCapacity * headDim));
        parallel.forRange(s.batch() * heads * queryLength, grain, (from, to) -> {
            int keyLength = keysUsed == null ? keyCapacity : keysUsed[0];
            float[] p = scores.floats(keyCapacity); // of one size for a whole decoding
            for (int item = from; item < to; item++) {
                int i = item % queryLength;
                int h = item / queryLength % heads;
                int b = item / queryLength / heads;
                int visible = keyLength - queryLength + i + 1;
                int query = ((b * queryLength + i) * heads + h) * headDim;
                int firstKey = b * keyCapacity * kvRow + h / (heads / kvHeads) * headDim;
                dots(p, 0, q, query, k, firstKey, kvRow, visible, headDim);
                VectorSoftmaxKernels.softmaxRow(p, p, 0, scale, visible);
                Arrays.fill(out, query, query + headDim, 0f);
                addWeighted(out, query, p, 0, v, firstKey, kvRow, visible, headDim);
            }
        });
    }

    void backward(
            float[] dq, float[] dk, float[] dv, float[] dOut, float[] q, float[] k, float[] v, AttentionShape s) {
        int length = s.queryLength();
        int heads = s.heads();
        int kvHeads = s.kvHeads();
        int headDim = s.headDim();
        float scale = (float) (1 / Math.sqrt(headDim));
        int kvRow = kvHeads * headDim;
        int group = heads / kvHeads;
        parallel.forRange(s.batch() * kvHeads, 1, (from, to) -> {
            float[] work = scores.floats(2 * length); // probabilities, then gradients of probabilities and scores
            for (int item = from; item < to; item++) {
                int b = item / kvHeads;
                int firstKey = b * length * kvRow + item % kvHeads * headDim;
                clearRows(dk, firstKey, kvRow, length, headDim);
                clearRows(dv, firstKey, kvRow, length, headDim);
                for (int h = item % kvHeads * group; h < (item % kvHeads + 1) * group; h++) {
                    for (int i = 0; i < length; i++) {
                        int query = ((b * length + i) * heads + h) * headDim;
                        int visible = i + 1;
                        dots(work, 0, q, query, k, firstKey, kvRow, visible, headDim);
                        VectorSoftmaxKernels.softmaxRow(work, work, 0, scale, visible);
                        addOuter(dv, firstKey, kvRow, work, 0, dOut, query, visible, headDim);
                        dots(work, length, dOut, query, v, firstKey, kvRow, visible, headDim);
                        scoreGradients(work, length, scale, visible);
                        Arrays.fill(dq, query, query + headDim, 0f);
                        addWeighted(dq, query, work, length, k, firstKey, kvRow, visible, headDim);
                        addOuter(dk, firstKey, kvRow, work, length, q, query, visible, headDim);
                    }
                }
            }
        });
    }

    /** {@code w[at + j] = scale p_j (w[at + j] - <p, w>)} with p the first elements of w. */
    private static void scoreGradients(float[] w, int at, float scale, int count) {
        float dot = (float) VectorSums.dot(w, 0, w, at, count);
        for (int j = 0; j < count; j++) {
            w[at + j] = scale * w[j] * (w[at + j] - dot);
        }
    }

    /** {@code y[atY + j] = <a, row j of m>} for rows of {@code count} elements that lie {@code stride} apart. */
    private static void dots(
            float[] y, int atY, float[] a, int at, float[] m, int first, int stride, int rows, int count) {
        int j = 0;
        for (; j <= rows - 4; j += 4) { // four rows share the loads of a and hide each other's latency
            int m0 = first + j * stride;
            int m1 = m0 + stride;
            int m2 = m1 + stride;
            int m3 = m2 + stride;
            FloatVector s0 = FloatVector.zero(F);
            FloatVector s1 = s0;
            FloatVector s2 = s0;
            FloatVector s3 = s0;
            int c = 0;
            for (; c <= count - LANES; c += LANES) {
                FloatVector av = FloatVector.fromArray(F, a, at + c);
                s0 = av.fma(FloatVector.fromArray(F, m, m0 + c), s0);
                s1 = av.fma(FloatVector.fromArray(F, m, m1 + c), s1);
                s2 = av.fma(FloatVector.fromArray(F, m, m2 + c), s2);
                s3 = av.fma(FloatVector.fromArray(F, m, m3 + c), s3);
            }
            y[atY + j] = Lanes.sum(s0) + tailDot(a, at, m, m0, c, count);
            y[atY + j + 1] = Lanes.sum(s1) + tailDot(a, at, m, m1, c, count);
            y[atY + j + 2] = Lanes.sum(s2) + tailDot(a, at, m, m2, c, count);
            y[atY + j + 3] = Lanes.sum(s3) + tailDot(a, at, m, m3, c, count);
        }
        for (; j < rows; j++) {
            int row = first + j * stride;
            FloatVector s = FloatVector.zero(F);
            int c = 0;
            for (; c <= count - LANES; c += LANES) {
                s = FloatVector.fromArray(F, a, at + c).fma(FloatVector.fromArray(F, m, row + c), s);
            }
            y[atY + j] = Lanes.sum(s) + tailDot(a, at, m, row, c, count);
        }
    }

    private static float tailDot(float[] a, int at, float[] m, int row, int from, int count) {
        float sum = 0;
        for (int c = from; c < count; c++) {
            sum = Math.fma(a[at + c], m[row + c], sum);
        }
        return sum;
    }

    /** {@code y += sum over j of w[atW + j] (row j of m)}. */
    private static void addWeighted(
            float[] y, int atY, float[] w, int atW, float[] m, int first, int stride, int rows, int count) {
        int c = 0;
        for (; c <= count - 2 * LANES; c += 2 * LANES) {
            FloatVector s0 = FloatVector.fromArray(F, y, atY + c);
            FloatVector s1 = FloatVector.fromArray(F, y, atY + c + LANES);
            for (int j = 0; j < rows; j++) {
                FloatVector weight = FloatVector.broadcast(F, w[atW + j]);
                s0 = weight.fma(FloatVector.fromArray(F, m, first + j * stride + c), s0);
                s1 = weight.fma(FloatVector.fromArray(F, m, first + j * stride + c + LANES), s1);
            }
            s0.intoArray(y, atY + c);
            s1.intoArray(y, atY + c + LANES);
        }
        for (; c <= count - LANES; c += LANES) {
            FloatVector s = FloatVector.fromArray(F, y, atY + c);
            for (int j = 0; j < rows; j++) {
                s = FloatVector.fromArray(F, m, first + j * stride + c).fma(FloatVector.broadcast(F, w[atW + j]), s);
            }
            s.intoArray(y, atY + c);
        }
        for (; c < count; c++) {
            float s = y[atY + c];
            for (int j = 0; j < rows; j++) {
                s = Math.fma(w[atW + j], m[first + j * stride + c], s);
            }
            y[atY + c] = s;
        }
    }

    /** {@code (row j of y) += w[atW + j] x}. */
    private static void addOuter(
            float[] y, int first, int stride, float[] w, int atW, float[] x, int at, int rows, int count) {
        for (int j = 0; j < rows; j++) {
            int row = first + j * stride;
            FloatVector weight = FloatVector.broadcast(F, w[atW + j]);
            int c = 0;
            for (; c <= count - LANES; c += LANES) {
                weight.fma(FloatVector.fromArray(F, x, at + c), FloatVector.fromArray(F, y, row + c))
                        .intoArray(y, row + c);
            }
            for (; c < count; c++) {
                y[row + c] = Math.fma(w[atW + j], x[at + c], y[row + c]);
            }
        }
    }

    private static void clearRows(float[] y, int first, int stride, int rows, int count) {
        for (int j = 0; j < rows; j++) {
            Arrays.fill(y, first + j * stride, first + j * stride + count, 0f);
        }
    }
}
