package org.aimjvm.cpu.rows;

import static jdk.incubator.vector.VectorOperators.GT;
import static org.aimjvm.cpu.memory.HeapStorage.floats;
import static org.aimjvm.cpu.memory.HeapStorage.ints;
import static org.aimjvm.cpu.rows.VectorElementwiseKernels.rowGrain;
import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;

import jdk.incubator.vector.FloatVector;
import org.aimjvm.backend.SoftmaxKernels;
import org.aimjvm.backend.Storage;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.memory.Scratch;
import org.aimjvm.cpu.scalar.ScalarSoftmaxKernels;
import org.aimjvm.cpu.simd.Lanes;
import org.aimjvm.cpu.simd.VectorMath;
import org.aimjvm.cpu.simd.VectorSums;

/**
 * Softmax and cross-entropy by vectors, a row at a time: the greatest element, then exponentials and their F64 sum.
 * Nothing is kept but a stretch of one row, so cross-entropy over 16384 classes reads its logits from memory once.
 */
public final class VectorSoftmaxKernels implements SoftmaxKernels {
    /** Exponentials between computing and summing them: 4 KiB, in the first-level cache. */
    private static final int CHUNK = 1024;

    private final Parallel parallel;
    private final VectorAttention attention;
    private final Scratch chunk = new Scratch();

    public VectorSoftmaxKernels(Parallel parallel) {
        this.parallel = parallel;
        this.attention = new VectorAttention(parallel);
    }

    @Override
    public void softmax(Storage y, Storage x, float alpha, int rows, int cols) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        parallel.forRange(rows, rowGrain(cols), (from, to) -> {
            for (int r = from; r < to; r++) {
                softmaxRow(ys, xs, r * cols, alpha, cols);
            }
        });
    }

    /** Softmax of {@code alpha x} over {@code count} elements from {@code at} on, into the same places of y. */
    static void softmaxRow(float[] y, float[] x, int at, float alpha, int count) {
        float max = max(x, at, alpha, count);
        exponentials(y, at, x, at, alpha, max, count);
        scale(y, at, (float) (1 / VectorSums.sum(y, at, count)), count);
    }

    @Override
    public void softmaxBackward(Storage dx, Storage dy, Storage y, float alpha, int rows, int cols) {
        float[] dxs = floats(dx);
        float[] dys = floats(dy);
        float[] ys = floats(y);
        parallel.forRange(rows, rowGrain(cols), (from, to) -> {
            for (int r = from; r < to; r++) {
                softmaxBackwardRow(dxs, dys, ys, r * cols, alpha, cols);
            }
        });
    }

    /** {@code dx = alpha y (dy - <dy, y>)}. */
    static void softmaxBackwardRow(float[] dx, float[] dy, float[] y, int at, float alpha, int count) {
        float dot = (float) VectorSums.dot(dy, at, y, at, count);
        int i = at;
        for (; i <= at + count - LANES; i += LANES) {
            FloatVector p = FloatVector.fromArray(F, y, i).mul(alpha);
            FloatVector.fromArray(F, dy, i).sub(dot).mul(p).intoArray(dx, i);
        }
        for (; i < at + count; i++) {
            dx[i] = (dy[i] - dot) * (y[i] * alpha);
        }
    }

    @Override
    public void crossEntropy(Storage loss, Storage logSumExp, Storage logits, Storage targets, int rows, int cols) {
        float[] losses = floats(loss);
        float[] lses = floats(logSumExp);
        float[] ls = floats(logits);
        int[] ts = ints(targets);
        ScalarSoftmaxKernels.checkTargets(ts, rows, cols);
        parallel.forRange(rows, rowGrain(cols), (from, to) -> {
            float[] exponentials = chunk.floats(CHUNK);
            for (int r = from; r < to; r++) {
                int base = r * cols;
                float max = max(ls, base, 1f, cols);
                double sum = 0;
                for (int c = 0; c < cols; c += CHUNK) {
                    int n = Math.min(CHUNK, cols - c);
                    exponentials(exponentials, 0, ls, base + c, 1f, max, n);
                    sum += VectorSums.sum(exponentials, 0, n);
                }
                lses[r] = (float) (max + Math.log(sum));
                losses[r] = (float) (max - (double) ls[base + ts[r]] + Math.log(sum));
            }
        });
    }

    @Override
    public void crossEntropyBackward(
            Storage dLogits, Storage dLoss, Storage logits, Storage logSumExp, Storage targets, int rows, int cols) {
        float[] dls = floats(dLogits);
        float[] dLosses = floats(dLoss);
        float[] ls = floats(logits);
        float[] lses = floats(logSumExp);
        int[] ts = ints(targets);
        parallel.forRange(rows, rowGrain(cols), (from, to) -> {
            for (int r = from; r < to; r++) {
                int base = r * cols;
                exponentials(dls, base, ls, base, 1f, lses[r], cols);
                dls[base + ts[r]] -= 1;
                scale(dls, base, dLosses[r], cols);
            }
        });
    }

    @Override
    public void appendKeysAndValues(KeyValues cache, Storage k, Storage v, int added) {
        float[] keyRows = floats(cache.keys());
        float[] valueRows = floats(cache.values());
        int[] used = ints(cache.length());
        float[] newKeys = floats(k);
        float[] newValues = floats(v);
        parallel.forRange(1, 1, (from, to) -> ScalarSoftmaxKernels.append(
                keyRows, valueRows, used, newKeys, newValues, cache.batch(), added, cache.capacity(), cache.width()));
    }

    @Override
    public void causalAttention(
            Storage out, Storage q, Storage k, Storage v, Storage keyLength, AttentionShape s) {
        attention.forward(
                floats(out), floats(q), floats(k), floats(v), keyLength == null ? null : ints(keyLength), s);
    }

    @Override
    public void causalAttentionBackward(
            AttentionGradients d, Storage dOut, Storage q, Storage k, Storage v, AttentionShape s) {
        attention.backward(
                floats(d.dq()), floats(d.dk()), floats(d.dv()), floats(dOut), floats(q), floats(k), floats(v), s);
    }

    /** Greatest {@code alpha x}. A NaN may be passed over: its own exponential still makes the sum NaN. */
    private static float max(float[] x, int at, float alpha, int count) {
        FloatVector m0 = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
        FloatVector m1 = m0;
        int i = 0;
        for (; i <= count - 2 * LANES; i += 2 * LANES) {
            FloatVector v0 = FloatVector.fromArray(F, x, at + i).mul(alpha);
            FloatVector v1 = FloatVector.fromArray(F, x, at + i + LANES).mul(alpha);
            m0 = m0.blend(v0, v0.compare(GT, m0));
            m1 = m1.blend(v1, v1.compare(GT, m1));
        }
        float max = Lanes.max(Lanes.max(m0, m1));
        for (; i < count; i++) {
            float v = x[at + i] * alpha;
            max = v > max ? v : max;
        }
        return max;
    }

    /** {@code y = exp(alpha x - shift)}. */
    private static void exponentials(float[] y, int atY, float[] x, int at, float alpha, float shift, int count) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector v = FloatVector.fromArray(F, x, at + i).mul(alpha).sub(shift);
            VectorMath.exp(v).intoArray(y, atY + i);
        }
        for (; i < count; i++) {
            y[atY + i] = VectorMath.exp(x[at + i] * alpha - shift);
        }
    }

    private static void scale(float[] y, int at, float factor, int count) {
        int i = at;
        for (; i <= at + count - LANES; i += LANES) {
            FloatVector.fromArray(F, y, i).mul(factor).intoArray(y, i);
        }
        for (; i < at + count; i++) {
            y[i] *= factor;
        }
    }
}
