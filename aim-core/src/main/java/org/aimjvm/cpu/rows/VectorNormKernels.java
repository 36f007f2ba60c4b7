package org.aimjvm.cpu.rows;

import static org.aimjvm.cpu.memory.HeapStorage.floats;
import static org.aimjvm.cpu.memory.HeapStorage.floatsOrNull;
import static org.aimjvm.cpu.rows.VectorElementwiseKernels.rowGrain;
import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;

import jdk.incubator.vector.FloatVector;
import org.aimjvm.backend.FusedKernels;
import org.aimjvm.backend.NormKernels;
import org.aimjvm.backend.Storage;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.simd.Simd;
import org.aimjvm.cpu.scalar.ScalarNormKernels;
import org.aimjvm.cpu.simd.VectorSums;

/**
 * Normalisations by vectors: a row is read once for its statistics, which are F64 sums ({@link VectorSums}), and again,
 * from the first-level cache, for its result. A row's bits do not depend on the rows around it.
 *
 * <p>Gradients of weights are sums over rows by fixed blocks ({@link VectorRowSums}).
 */
public final class VectorNormKernels implements NormKernels {
    private final Parallel parallel;
    private final VectorRowSums rowSums;
    private final VectorGatedNorm gatedNorm;
    private final VectorGroupNorm groupNorm;
    private final VectorBatchNorm batchNorm;

    public VectorNormKernels(Parallel parallel) {
        this.parallel = parallel;
        this.rowSums = new VectorRowSums(parallel);
        this.gatedNorm = new VectorGatedNorm(parallel);
        this.groupNorm = new VectorGroupNorm(parallel);
        this.batchNorm = new VectorBatchNorm(parallel);
    }

    @Override
    public void rmsNorm(Storage y, Storage invRms, Storage x, Storage weight, int rows, int cols, float eps) {
        float[] ys = floats(y);
        float[] invs = floats(invRms);
        float[] xs = floats(x);
        float[] ws = floats(weight);
        parallel.forRange(rows, rowGrain(cols), (from, to) -> {
            for (int r = from; r < to; r++) {
                int at = r * cols;
                invs[r] = inverseRms(VectorSums.dot(xs, at, xs, at, cols), cols, eps);
                scaleByWeight(ys, xs, at, invs[r], ws, 0, cols);
            }
        });
    }

    @Override
    public void gateAddRmsNorm(Storage y, FusedKernels.ResidualNorm r, int batch, int length, int cols) {
        float[] ys = floats(y);
        float[] sums = floats(r.sum());
        float[] branches = floats(r.branch());
        float[] gates = floats(r.gate());
        float[] residuals = floats(r.residual());
        float[] ws = floats(r.weight());
        float[] shifts = floatsOrNull(r.shift());
        float[] scales = floatsOrNull(r.scale());
        float eps = r.eps();
        parallel.forRange(batch * length, rowGrain(cols), (from, to) -> {
            for (int row = from; row < to; row++) {
                int at = row * cols;
                int cond = row / length * cols;
                gateAdd(sums, branches, gates, residuals, at, cond, cols);
                float inv = inverseRms(VectorSums.dot(sums, at, sums, at, cols), cols, eps);
                scaleByWeight(ys, sums, at, inv, ws, 0, cols);
                if (shifts != null) {
                    VectorModulate.modulate(ys, ys, at, shifts, scales, cond, cols);
                }
            }
        });
    }

    /** {@code sum = branch gate + residual}, the product rounded as when it is stored. */
    private static void gateAdd(
            float[] sum, float[] branch, float[] gate, float[] residual, int at, int cond, int cols) {
        int last = Simd.lastVector(cols);
        int c = 0;
        for (; c <= last; c += LANES) {
            FloatVector.fromArray(F, branch, at + c)
                    .mul(FloatVector.fromArray(F, gate, cond + c))
                    .add(FloatVector.fromArray(F, residual, at + c))
                    .intoArray(sum, at + c);
        }
        for (; c < cols; c++) {
            sum[at + c] = branch[at + c] * gate[cond + c] + residual[at + c];
        }
    }

    @Override
    public void rmsNormBackward(
            Storage dx, Storage dWeight, Storage dy, Storage x, Storage weight, Storage invRms, int rows, int cols) {
        float[] dxs = floatsOrNull(dx);
        float[] dys = floats(dy);
        float[] xs = floats(x);
        float[] ws = floats(weight);
        float[] invs = floats(invRms);
        rowSums.forBlocks(rows, cols, floatsOrNull(dWeight), null, (sums, sumAt, from, to) -> {
            for (int r = from; r < to; r++) {
                int at = r * cols;
                float inv = invs[r];
                double dot = VectorSums.dot3(dys, at, ws, 0, xs, at, cols);
                float pull = (float) ((double) inv * inv * inv * dot / cols);
                rmsNormBackwardRow(dxs, sums, sumAt, dys, xs, at, ws, inv, pull, cols);
            }
        });
    }

    /** {@code sums += dy x inv;  dx = dy w inv - pull x}. */
    private static void rmsNormBackwardRow(
            float[] dx, float[] sums, int sumAt, float[] dy, float[] x, int at, float[] w, float inv, float pull,
            int cols) {
        int c = 0;
        for (; c <= cols - LANES; c += LANES) {
            FloatVector xv = FloatVector.fromArray(F, x, at + c);
            FloatVector scaled = FloatVector.fromArray(F, dy, at + c).mul(inv);
            scaled.fma(xv, FloatVector.fromArray(F, sums, sumAt + c)).intoArray(sums, sumAt + c);
            if (dx != null) {
                scaled.mul(FloatVector.fromArray(F, w, c)).sub(xv.mul(pull)).intoArray(dx, at + c);
            }
        }
        for (; c < cols; c++) {
            float scaled = dy[at + c] * inv;
            sums[sumAt + c] += scaled * x[at + c];
            if (dx != null) {
                dx[at + c] = scaled * w[c] - x[at + c] * pull;
            }
        }
    }

    @Override
    public void gatedRmsNorm(
            Storage y,
            Storage invRms,
            Storage x,
            Storage z,
            Storage weight,
            GatedShape s,
            float eps) {
        gatedNorm.forward(floats(y), floats(invRms), floats(x), floats(z), floats(weight), s, eps);
    }

    @Override
    public void gatedRmsNormBackward(
            GatedGradients d, Storage dy, Storage x, Storage z, Storage weight, Storage invRms, GatedShape s) {
        gatedNorm.backward(d, floats(dy), floats(x), floats(z), floats(weight), floats(invRms), s);
    }

    @Override
    public void layerNorm(
            Storage y, Storage stats, Storage x, Storage weight, Storage bias, int rows, int cols, float eps) {
        float[] ys = floats(y);
        float[] ss = floats(stats);
        float[] xs = floats(x);
        float[] ws = floats(weight);
        float[] bs = floats(bias);
        parallel.forRange(rows, rowGrain(cols), (from, to) -> {
            for (int r = from; r < to; r++) {
                VectorSums.meanAndInverse(ss, r, xs, r * cols, cols, eps);
                layerNormRow(ys, xs, r * cols, ss[2 * r], ss[2 * r + 1], ws, bs, cols);
            }
        });
    }

    private static void layerNormRow(
            float[] y, float[] x, int at, float mean, float inv, float[] w, float[] bias, int cols) {
        int c = 0;
        for (; c <= cols - LANES; c += LANES) {
            FloatVector.fromArray(F, x, at + c)
                    .sub(mean)
                    .mul(inv)
                    .fma(FloatVector.fromArray(F, w, c), FloatVector.fromArray(F, bias, c))
                    .intoArray(y, at + c);
        }
        for (; c < cols; c++) {
            y[at + c] = Math.fma((x[at + c] - mean) * inv, w[c], bias[c]);
        }
    }

    @Override
    public void layerNormBackward(
            Gradients d, Storage dy, Storage x, Storage weight, Storage stats, int rows, int cols) {
        float[] dys = floats(dy);
        float[] xs = floats(x);
        float[] ws = floats(weight);
        float[] ss = floats(stats);
        LayerGradient gradient = new LayerGradient(floatsOrNull(d.dx()), dys, xs, ws, cols);
        rowSums.forBlocks(rows, cols, floatsOrNull(d.dWeight()), floatsOrNull(d.dBias()), (sums, sumAt, from, to) -> {
            for (int r = from; r < to; r++) {
                int at = r * cols;
                float mean = ss[2 * r];
                float inv = ss[2 * r + 1];
                double sum = VectorSums.dot(dys, at, ws, 0, cols);
                double dot = (VectorSums.dot3(dys, at, ws, 0, xs, at, cols) - mean * sum) * inv;
                gradient.row(at, sums, sumAt, mean, inv, (float) (sum / cols), (float) (dot / cols));
            }
        });
    }

    /**
     * The gradient of {@link #layerNorm} row by row.
     *
     * @param dx output, or {@code null}
     */
    private record LayerGradient(float[] dx, float[] dy, float[] x, float[] w, int cols) {

        /**
         * {@code sums += [dy n | dy];  dx = inv (dy w - meanGradient - n slope)} with n = (x - mean) inv, of the row
         * from {@code at} on.
         */
        void row(
                int at, float[] sums, int sumAt, float mean, float inv, float meanGradient, float slope) {
            int biasAt = sumAt + cols;
            int c = 0;
            for (; c <= cols - LANES; c += LANES) {
                FloatVector normal = FloatVector.fromArray(F, x, at + c).sub(mean).mul(inv);
                FloatVector d = FloatVector.fromArray(F, dy, at + c);
                d.fma(normal, FloatVector.fromArray(F, sums, sumAt + c)).intoArray(sums, sumAt + c);
                d.add(FloatVector.fromArray(F, sums, biasAt + c)).intoArray(sums, biasAt + c);
                if (dx != null) {
                    d.mul(FloatVector.fromArray(F, w, c))
                            .sub(meanGradient)
                            .sub(normal.mul(slope))
                            .mul(inv)
                            .intoArray(dx, at + c);
                }
            }
            for (; c < cols; c++) {
                float normal = (x[at + c] - mean) * inv;
                float d = dy[at + c];
                sums[sumAt + c] += d * normal;
                sums[biasAt + c] += d;
                if (dx != null) {
                    dx[at + c] = (d * w[c] - meanGradient - normal * slope) * inv;
                }
            }
        }
    }

    @Override
    public void groupNorm(
            Storage y,
            Storage stats,
            Storage x,
            Storage weight,
            Storage bias,
            GroupShape s,
            float eps,
            boolean silu) {
        groupNorm.forward(floatsOrNull(y), floats(stats), floats(x), floats(weight), floats(bias), s, eps, silu);
    }

    @Override
    public void groupNormBackward(
            Gradients d,
            Storage dy,
            Storage x,
            Storage weight,
            Storage bias,
            Storage stats,
            GroupShape s,
            boolean silu) {
        groupNorm.backward(d, floats(dy), floats(x), floats(weight), floats(bias), floats(stats), s, silu);
    }

    @Override
    public void channelMoments(Storage mean, Storage variance, Storage x, ChannelShape s) {
        batchNorm.moments(floats(mean), floats(variance), floats(x), s);
    }

    @Override
    public void batchNorm(
            Storage y, Storage x, Storage weight, Storage bias, Storage mean, Storage variance, ChannelShape s,
            float eps) {
        batchNorm.forward(
                floats(y), floats(x), floats(weight), floats(bias), floats(mean), floats(variance), s, eps);
    }

    @Override
    public void batchNormBackward(
            Gradients d, Storage dy, Storage x, Storage weight, Storage mean, Storage variance, ChannelShape s,
            float eps, boolean constant) {
        batchNorm.backward(
                d, floats(dy), floats(x), floats(weight), floats(mean), floats(variance), s, eps, constant);
    }

    @Override
    public void l2Normalize(Storage y, Storage invNorm, Storage x, int rows, int cols, float eps) {
        float[] ys = floats(y);
        float[] invs = floats(invNorm);
        float[] xs = floats(x);
        parallel.forRange(rows, rowGrain(cols), (from, to) -> {
            for (int r = from; r < to; r++) {
                double norm = Math.sqrt(VectorSums.dot(xs, r * cols, xs, r * cols, cols));
                invs[r] = (float) (1 / Math.max(norm, eps));
                combine(ys, xs, invs[r], xs, 0, r * cols, cols);
            }
        });
    }

    @Override
    public void l2NormalizeBackward(Storage dx, Storage dy, Storage y, Storage invNorm, int rows, int cols, float eps) {
        float[] dxs = floats(dx);
        float[] dys = floats(dy);
        float[] ys = floats(y);
        float[] invs = floats(invNorm);
        parallel.forRange(rows, rowGrain(cols), (from, to) -> {
            for (int r = from; r < to; r++) {
                double dot = VectorSums.dot(dys, r * cols, ys, r * cols, cols);
                float pull = ScalarNormKernels.isClipped(invs[r], eps) ? 0 : (float) (-dot * invs[r]);
                combine(dxs, dys, invs[r], ys, pull, r * cols, cols);
            }
        });
    }

    /** {@code y = a alpha + b beta}. */
    private static void combine(float[] y, float[] a, float alpha, float[] b, float beta, int at, int count) {
        int c = at;
        for (; c <= at + count - LANES; c += LANES) {
            FloatVector second = FloatVector.fromArray(F, b, c).mul(beta);
            FloatVector.fromArray(F, a, c).mul(alpha).add(second).intoArray(y, c);
        }
        for (; c < at + count; c++) {
            y[c] = a[c] * alpha + b[c] * beta;
        }
    }

    /** {@code y = x inv w}, the weight starting at its element {@code first}. */
    static void scaleByWeight(float[] y, float[] x, int at, float inv, float[] w, int first, int count) {
        int last = Simd.lastVector(count);
        int c = 0;
        for (; c <= last; c += LANES) {
            FloatVector.fromArray(F, x, at + c).mul(inv).mul(FloatVector.fromArray(F, w, first + c)).intoArray(y,
                    at + c);
        }
        for (; c < count; c++) {
            y[at + c] = x[at + c] * inv * w[first + c];
        }
    }

    static float inverseRms(double squares, int count, float eps) {
        return (float) (1 / Math.sqrt(squares / count + eps));
    }
}
