package org.aimjvm.cpu.rows;

import static org.aimjvm.cpu.memory.HeapStorage.floatsOrNull;
import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;

import jdk.incubator.vector.FloatVector;
import org.aimjvm.backend.NormKernels.ChannelShape;
import org.aimjvm.backend.NormKernels.Gradients;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.simd.VectorSums;

/**
 * Batch normalisation over NCHW by vectors. A channel is one piece: its planes, one per picture, are gone through in
 * order by one thread, so sums do not depend on the number of threads.
 */
final class VectorBatchNorm {
    private final Parallel parallel;

    VectorBatchNorm(Parallel parallel) {
        this.parallel = parallel;
    }

    private void forChannels(ChannelShape s, Parallel.Body body) {
        parallel.forRange(
                s.channels(), Math.max(1, VectorElementwiseKernels.GRAIN / Math.max(1, s.count())), body);
    }

    private static int plane(int picture, int channel, ChannelShape s) {
        return (picture * s.channels() + channel) * s.area();
    }

    void moments(float[] mean, float[] variance, float[] x, ChannelShape s) {
        forChannels(s, (from, to) -> {
            for (int c = from; c < to; c++) {
                double sum = 0;
                for (int b = 0; b < s.batch(); b++) {
                    sum += VectorSums.sum(x, plane(b, c, s), s.area());
                }
                double m = sum / s.count();
                double squares = 0;
                for (int b = 0; b < s.batch(); b++) {
                    squares += VectorSums.squaredDistance(x, plane(b, c, s), s.area(), m);
                }
                mean[c] = (float) m;
                variance[c] = (float) (squares / s.count());
            }
        });
    }

    void forward(
            float[] y, float[] x, float[] weight, float[] bias, float[] mean, float[] variance, ChannelShape s,
            float eps) {
        forChannels(s, (from, to) -> {
            for (int c = from; c < to; c++) {
                float scale = (float) (weight[c] / Math.sqrt((double) variance[c] + eps));
                for (int b = 0; b < s.batch(); b++) {
                    affine(y, x, plane(b, c, s), s.area(), mean[c], scale, bias[c]);
                }
            }
        });
    }

    /** {@code y = (x - mean) scale + bias}. */
    private static void affine(float[] y, float[] x, int at, int area, float mean, float scale, float bias) {
        FloatVector sv = FloatVector.broadcast(F, scale);
        FloatVector bv = FloatVector.broadcast(F, bias);
        int i = at;
        for (; i <= at + area - LANES; i += LANES) {
            FloatVector.fromArray(F, x, i).sub(mean).fma(sv, bv).intoArray(y, i);
        }
        for (; i < at + area; i++) {
            y[i] = Math.fma(x[i] - mean, scale, bias);
        }
    }

    void backward(
            Gradients d, float[] dy, float[] x, float[] weight, float[] mean, float[] variance, ChannelShape s,
            float eps, boolean constant) {
        float[] dx = floatsOrNull(d.dx());
        float[] dWeight = floatsOrNull(d.dWeight());
        float[] dBias = floatsOrNull(d.dBias());
        forChannels(s, (from, to) -> {
            for (int c = from; c < to; c++) {
                double inverse = 1 / Math.sqrt((double) variance[c] + eps);
                double sum = 0;
                double dot = 0;
                for (int b = 0; b < s.batch(); b++) {
                    int at = plane(b, c, s);
                    double planeSum = VectorSums.sum(dy, at, s.area());
                    sum += planeSum;
                    dot += VectorSums.dot(dy, at, x, at, s.area()) - mean[c] * planeSum;
                }
                dot *= inverse; // sum of dy times the normalised x
                if (dWeight != null) {
                    dWeight[c] = (float) dot;
                }
                if (dBias != null) {
                    dBias[c] = (float) sum;
                }
                if (dx != null) {
                    double scale = weight[c] * inverse;
                    float slope = constant ? 0 : (float) (-scale * inverse * dot / s.count());
                    float offset = constant ? 0 : (float) (-scale * sum / s.count());
                    for (int b = 0; b < s.batch(); b++) {
                        complete(dx, dy, x, plane(b, c, s), s.area(), mean[c], (float) scale, slope, offset);
                    }
                }
            }
        });
    }

    /** {@code dx = scale dy + slope (x - mean) + offset}. */
    private static void complete(
            float[] dx, float[] dy, float[] x, int at, int area, float mean, float scale, float slope, float offset) {
        FloatVector sv = FloatVector.broadcast(F, slope);
        FloatVector ov = FloatVector.broadcast(F, offset);
        int i = at;
        for (; i <= at + area - LANES; i += LANES) {
            FloatVector rest = FloatVector.fromArray(F, x, i).sub(mean).fma(sv, ov);
            FloatVector.fromArray(F, dy, i).mul(scale).add(rest).intoArray(dx, i);
        }
        for (; i < at + area; i++) {
            dx[i] = dy[i] * scale + Math.fma(x[i] - mean, slope, offset);
        }
    }
}
