package org.aimjvm.cpu.scalar;

import static org.aimjvm.cpu.memory.HeapStorage.floats;
import static org.aimjvm.cpu.memory.HeapStorage.ints;

import org.aimjvm.backend.SoftmaxKernels;
import org.aimjvm.backend.Storage;

/** Reference softmax, cross-entropy and attention, forward and backward side by side. Every sum is in F64. */
public final class ScalarSoftmaxKernels implements SoftmaxKernels {

    @Override
    public void softmax(Storage y, Storage x, float alpha, int rows, int cols) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        double[] scores = new double[cols];
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < cols; c++) {
                scores[c] = (double) alpha * xs[r * cols + c];
            }
            toProbabilities(scores, cols);
            for (int c = 0; c < cols; c++) {
                ys[r * cols + c] = (float) scores[c];
            }
        }
    }

    @Override
    public void softmaxBackward(Storage dx, Storage dy, Storage y, float alpha, int rows, int cols) {
        float[] dxs = floats(dx);
        float[] dys = floats(dy);
        float[] ys = floats(y);
        for (int r = 0; r < rows; r++) {
            int base = r * cols;
            double dot = 0;
            for (int c = 0; c < cols; c++) {
                dot += (double) dys[base + c] * ys[base + c];
            }
            for (int c = 0; c < cols; c++) {
                dxs[base + c] = (float) (alpha * ys[base + c] * (dys[base + c] - dot));
            }
        }
    }

    @Override
    public void crossEntropy(Storage loss, Storage logSumExp, Storage logits, Storage targets, int rows, int cols) {
        float[] losses = floats(loss);
        float[] lses = floats(logSumExp);
        float[] ls = floats(logits);
        int[] ts = ints(targets);
        checkTargets(ts, rows, cols);
        for (int r = 0; r < rows; r++) {
            int base = r * cols;
            float max = Float.NEGATIVE_INFINITY;
            for (int c = 0; c < cols; c++) {
                max = Math.max(max, ls[base + c]);
            }
            double sum = 0;
            for (int c = 0; c < cols; c++) {
                sum += Math.exp((double) ls[base + c] - max);
            }
            lses[r] = (float) (max + Math.log(sum));
            losses[r] = (float) (max - (double) ls[base + ts[r]] + Math.log(sum));
        }
    }

    @Override
    public void crossEntropyBackward(
            Storage dLogits, Storage dLoss, Storage logits, Storage logSumExp, Storage targets, int rows, int cols) {
        float[] dls = floats(dLogits);
        float[] dLosses = floats(dLoss);
        float[] ls = floats(logits);
        float[] lses = floats(logSumExp);
        int[] ts = ints(targets);
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < cols; c++) {
                double p = Math.exp((double) ls[r * cols + c] - lses[r]);
                dls[r * cols + c] = (float) (dLosses[r] * (c == ts[r] ? p - 1 : p));
            }
        }
    }

    /**
     * Fails before any work on a class that is not one.
     *
     * @throws IllegalArgumentException naming the row
     */
    public static void checkTargets(int[] targets, int rows, int cols) {
        for (int r = 0; r < rows; r++) {
            if (targets[r] < 0 || targets[r] >= cols) {
                throw new IllegalArgumentException(
                        "crossEntropy: target " + targets[r] + " of row " + r + " (expected 0 to " + (cols - 1) + ")");
            }
        }
    }

    @Override
    public void appendKeysAndValues(
            KeyValues cache, Storage k, Storage v, int added) {
        append(
                floats(cache.keys()), floats(cache.values()), ints(cache.length()), floats(k), floats(v),
                cache.batch(), added, cache.capacity(), cache.width());
    }

    /** {@link #appendKeysAndValues} on arrays. */
    public static void append(
            float[] keys, float[] values, int[] length, float[] k, float[] v, int batch, int added, int capacity,
            int width) {
        if (length[0] + added > capacity) {
            throw new IllegalArgumentException("causalAttention: " + length[0] + " cached and " + added
                    + " new positions, expected at most the capacity, " + capacity);
        }
        for (int b = 0; b < batch; b++) {
            int at = (b * capacity + length[0]) * width;
            System.arraycopy(k, b * added * width, keys, at, added * width);
            System.arraycopy(v, b * added * width, values, at, added * width);
        }
        length[0] += added;
    }

    @Override
    public void causalAttention(
            Storage out, Storage q, Storage k, Storage v, Storage keysUsed, AttentionShape s) {
        int batch = s.batch();
        int queryLength = s.queryLength();
        int keyCapacity = s.keyCapacity();
        int heads = s.heads();
        int kvHeads = s.kvHeads();
        int headDim = s.headDim();
        int keyLength = keysUsed == null ? keyCapacity : ints(keysUsed)[0];
        float[] os = floats(out);
        float[] qs = floats(q);
        float[] ks = floats(k);
        float[] vs = floats(v);
        double[] p = new double[keyLength];
        for (int b = 0; b < batch; b++) {
            for (int h = 0; h < heads; h++) {
                int kv = h / (heads / kvHeads);
                for (int i = 0; i < queryLength; i++) {
                    int visible = keyLength - queryLength + i + 1;
                    int query = ((b * queryLength + i) * heads + h) * headDim;
                    probabilities(p, qs, query, ks, b * keyCapacity, kv, visible, kvHeads, headDim);
                    for (int d = 0; d < headDim; d++) {
                        double sum = 0;
                        for (int j = 0; j < visible; j++) {
                            sum += p[j] * vs[((b * keyCapacity + j) * kvHeads + kv) * headDim + d];
                        }
                        os[query + d] = (float) sum;
                    }
                }
            }
        }
    }

    @Override
    public void causalAttentionBackward(
            AttentionGradients d, Storage dOut, Storage q, Storage k, Storage v, AttentionShape s) {
        int batch = s.batch();
        int length = s.queryLength();
        int heads = s.heads();
        int kvHeads = s.kvHeads();
        int headDim = s.headDim();
        float[] dqs = floats(d.dq());
        float[] dks = floats(d.dk());
        float[] dvs = floats(d.dv());
        float[] dos = floats(dOut);
        float[] qs = floats(q);
        float[] ks = floats(k);
        float[] vs = floats(v);
        double[] p = new double[length];
        double[] dp = new double[length];
        double scale = 1 / Math.sqrt(headDim);
        for (int b = 0; b < batch; b++) {
            for (int kv = 0; kv < kvHeads; kv++) {
                double[] dkSums = new double[length * headDim];
                double[] dvSums = new double[length * headDim];
                for (int h = kv * (heads / kvHeads); h < (kv + 1) * (heads / kvHeads); h++) {
                    for (int i = 0; i < length; i++) {
                        int query = ((b * length + i) * heads + h) * headDim;
                        probabilities(p, qs, query, ks, b * length, kv, i + 1, kvHeads, headDim);
                        double dot = 0;
                        for (int j = 0; j <= i; j++) {
                            int key = ((b * length + j) * kvHeads + kv) * headDim;
                            dp[j] = 0;
                            for (int c = 0; c < headDim; c++) {
                                dp[j] += (double) dos[query + c] * vs[key + c];
                                dvSums[j * headDim + c] += p[j] * dos[query + c];
                            }
                            dot += p[j] * dp[j];
                        }
                        for (int c = 0; c < headDim; c++) {
                            double sum = 0;
                            for (int j = 0; j <= i; j++) {
                                double dScore = p[j] * (dp[j] - dot) * scale;
                                sum += dScore * ks[((b * length + j) * kvHeads + kv) * headDim + c];
                                dkSums[j * headDim + c] += dScore * qs[query + c];
                            }
                            dqs[query + c] = (float) sum;
                        }
                    }
                }
                for (int j = 0; j < length; j++) {
                    for (int c = 0; c < headDim; c++) {
                        int key = ((b * length + j) * kvHeads + kv) * headDim;
                        dks[key + c] = (float) dkSums[j * headDim + c];
                        dvs[key + c] = (float) dvSums[j * headDim + c];
                    }
                }
            }
        }
    }

    /** Softmax over keys {@code [0, visible)} of the scaled scores of the query at {@code query}. */
    private static void probabilities(
            double[] p, float[] qs, int query, float[] ks, int firstKey, int kv, int visible, int kvHeads,
            int headDim) {
        double scale = 1 / Math.sqrt(headDim);
        for (int j = 0; j < visible; j++) {
            int key = ((firstKey + j) * kvHeads + kv) * headDim;
            double sum = 0;
            for (int d = 0; d < headDim; d++) {
                sum += (double) qs[query + d] * ks[key + d];
            }
            p[j] = sum * scale;
        }
        toProbabilities(p, visible);
    }

    /** Replaces the first {@code n} scores by their softmax. */
    private static void toProbabilities(double[] scores, int n) {
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < n; i++) {
            max = Math.max(max, scores[i]);
        }
        double sum = 0;
        for (int i = 0; i < n; i++) {
            scores[i] = Math.exp(scores[i] - max);
            sum += scores[i];
        }
        for (int i = 0; i < n; i++) {
            scores[i] /= sum;
        }
    }
}
