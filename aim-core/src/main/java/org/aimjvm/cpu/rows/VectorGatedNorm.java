package org.aimjvm.cpu.rows;

import static org.aimjvm.cpu.memory.HeapStorage.floatsOrNull;
import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;

import jdk.incubator.vector.FloatVector;
import org.aimjvm.backend.NormKernels.GatedGradients;
import org.aimjvm.backend.NormKernels.GatedShape;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.memory.Scratch;
import org.aimjvm.cpu.simd.Simd;
import org.aimjvm.cpu.scalar.ScalarNormKernels;
import org.aimjvm.cpu.simd.VectorMath;
import org.aimjvm.cpu.simd.VectorSums;

/**
 * Mamba-2's gated norm by vectors, a group of a row at a time: the gated values, whose exponentials cost most, are
 * computed once and stay in the first-level cache while they are summed and scaled.
 */
final class VectorGatedNorm {
    /** Elements of a piece: a few microseconds, since each has an exponential and a division. */
    private static final int GRAIN = 1 << 10;

    private final Parallel parallel;
    private final VectorRowSums rowSums;
    private final Scratch rowScratch = new Scratch();

    VectorGatedNorm(Parallel parallel) {
        this.parallel = parallel;
        this.rowSums = new VectorRowSums(parallel);
    }

    void forward(
            float[] y, float[] invRms, float[] x, float[] z, float[] weight, GatedShape s, float eps) {
        int groups = s.groups();
        int width = s.width();
        boolean normBeforeGate = s.normBeforeGate();
        parallel.forRange(s.rows(), Math.max(1, GRAIN / s.cols()), (from, to) -> {
            for (int i = from * groups; i < to * groups; i++) {
                int at = i * width;
                mulSilu(y, x, z, at, width);
                float[] normalised = normBeforeGate ? x : y;
                invRms[i] = VectorNormKernels.inverseRms(
                        VectorSums.dot(normalised, at, normalised, at, width), width, eps);
                VectorNormKernels.scaleByWeight(y, y, at, invRms[i], weight, i % groups * width, width);
            }
        });
    }

    /** {@code y = x silu(z)}. */
    private static void mulSilu(float[] y, float[] x, float[] z, int at, int count) {
        int last = Simd.lastVector(at + count);
        int c = at;
        for (; c <= last; c += LANES) {
            FloatVector gate = VectorMath.silu(FloatVector.fromArray(F, z, c));
            FloatVector.fromArray(F, x, c).mul(gate).intoArray(y, c);
        }
        for (; c < at + count; c++) {
            y[c] = x[c] * VectorMath.silu(z[c]);
        }
    }

    void backward(
            GatedGradients d, float[] dy, float[] x, float[] z, float[] weight, float[] invRms, GatedShape s) {
        int groups = s.groups();
        int width = s.width();
        boolean normBeforeGate = s.normBeforeGate();
        Gradient gradient = new Gradient(floatsOrNull(d.dx()), floatsOrNull(d.dz()), dy, x, z, weight);
        rowSums.forBlocks(s.rows(), s.cols(), floatsOrNull(d.dWeight()), null, (sums, sumAt, from, to) -> {
            float[] scratch = rowScratch.floats(2 * width);
            for (int i = from * groups; i < to * groups; i++) {
                int at = i * width;
                int first = i % groups * width;
                float inv = invRms[i];
                gateProducts(scratch, width, sums, sumAt + first, dy, x, z, at, inv);
                double dot = VectorSums.dot(scratch, width, weight, first, width);
                float pull = (float) ((double) inv * inv * inv * dot / width);
                gradient.group(
                        at, first, width, scratch, inv, normBeforeGate ? 0 : pull, normBeforeGate ? pull : 0);
            }
        });
    }

    /** scratch = [sigmoid(z) | dy x silu(z)], and {@code sums += dy x silu(z) inv}. */
    private static void gateProducts(
            float[] scratch, int width, float[] sums, int sumAt, float[] dy, float[] x, float[] z, int at, float inv) {
        int c = 0;
        for (; c <= width - LANES; c += LANES) {
            FloatVector zv = FloatVector.fromArray(F, z, at + c);
            FloatVector s = VectorMath.sigmoid(zv);
            FloatVector product = FloatVector.fromArray(F, dy, at + c)
                    .mul(FloatVector.fromArray(F, x, at + c))
                    .mul(zv.mul(s));
            s.intoArray(scratch, c);
            product.intoArray(scratch, width + c);
            FloatVector.fromArray(F, sums, sumAt + c).add(product.mul(inv)).intoArray(sums, sumAt + c);
        }
        for (; c < width; c++) {
            float s = VectorMath.sigmoid(z[at + c]);
            float product = dy[at + c] * x[at + c] * (z[at + c] * s);
            scratch[c] = s;
            scratch[width + c] = product;
            sums[sumAt + c] += product * inv;
        }
    }

    /**
     * The gradient with respect to x and z.
     *
     * @param dx output, or {@code null}
     * @param dz output, or {@code null}
     */
    private record Gradient(float[] dx, float[] dz, float[] dy, float[] x, float[] z, float[] w) {

        /**
         * dx and dz of the group from {@code at} on, as in {@link ScalarNormKernels#gatedRmsNormBackward}; what the
         * norm takes away is subtracted before the gate or after it, the other factor being 0.
         *
         * @param first column of the group
         * @param sigmoid of z
         */
        void group(
                int at, int first, int width, float[] sigmoid, float inv, float innerPull, float outerPull) {
            FloatVector one = FloatVector.broadcast(F, 1f);
            int c = 0;
            for (; c <= width - LANES; c += LANES) {
                FloatVector xv = FloatVector.fromArray(F, x, at + c);
                FloatVector zv = FloatVector.fromArray(F, z, at + c);
                FloatVector s = FloatVector.fromArray(F, sigmoid, c);
                FloatVector gate = zv.mul(s);
                FloatVector slope = s.mul(zv.fma(one.sub(s), one));
                FloatVector gradient =
                        FloatVector.fromArray(F, dy, at + c).mul(inv).mul(FloatVector.fromArray(F, w, first + c));
                FloatVector inner = gradient.sub(xv.mul(gate).mul(innerPull));
                if (dx != null) {
                    inner.mul(gate).sub(xv.mul(outerPull)).intoArray(dx, at + c);
                }
                if (dz != null) {
                    inner.mul(xv).mul(slope).intoArray(dz, at + c);
                }
            }
            for (; c < width; c++) {
                float s = sigmoid[c];
                float gate = z[at + c] * s;
                float slope = s * Math.fma(z[at + c], 1 - s, 1f);
                float gradient = dy[at + c] * inv * w[first + c];
                float inner = gradient - x[at + c] * gate * innerPull;
                if (dx != null) {
                    dx[at + c] = inner * gate - x[at + c] * outerPull;
                }
                if (dz != null) {
                    dz[at + c] = inner * x[at + c] * slope;
                }
            }
        }
    }
}
