package org.aimjvm.cpu.rows;

import static org.aimjvm.cpu.memory.HeapStorage.floatsOrNull;
import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;

import jdk.incubator.vector.FloatVector;
import org.aimjvm.backend.NormKernels.Gradients;
import org.aimjvm.backend.NormKernels.GroupShape;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.memory.Scratch;
import org.aimjvm.cpu.simd.VectorMath;
import org.aimjvm.cpu.simd.VectorSums;

/**
 * GroupNorm over NCHW by vectors, where a group is one run of memory and a channel a shorter one. Pieces are groups of
 * one picture. The gradient before silu is put into dx, summed while it is in the first-level cache, and then completed
 * there.
 */
public final class VectorGroupNorm {
    /** Pixels between computing a gradient and summing it: 8 KiB. */
    private static final int CHUNK = 2048;

    private final Parallel parallel;
    private final Scratch partials = new Scratch();
    private final Scratch chunk = new Scratch();

    public VectorGroupNorm(Parallel parallel) {
        this.parallel = parallel;
    }

    private static int grain(int groupSize) {
        return Math.max(1, VectorElementwiseKernels.GRAIN / Math.max(1, groupSize));
    }

    /** {@code y} may be {@code null}: statistics only. */
    void forward(
            float[] y, float[] stats, float[] x, float[] weight, float[] bias, GroupShape s, float eps,
            boolean silu) {
        int count = s.width() * s.area();
        parallel.forRange(s.batch() * s.groups(), grain(count), (from, to) -> {
            for (int g = from; g < to; g++) {
                VectorSums.meanAndInverse(stats, g, x, g * count, count, eps);
                if (y != null) {
                    normalize(y, stats, x, weight, bias, g, s, silu);
                }
            }
        });
    }

    /** Group {@code g} of the batch, whose statistics are known. */
    private static void normalize(
            float[] y, float[] stats, float[] x, float[] weight, float[] bias, int g, GroupShape s, boolean silu) {
        int channels = s.channels();
        int area = s.area();
        int width = s.width();
        for (int j = g * width; j < (g + 1) * width; j++) {
            float w = weight[j % channels] * stats[2 * g + 1];
            if (silu) {
                affineSilu(y, x, j * area, area, stats[2 * g], w, bias[j % channels]);
            } else {
                affine(y, x, j * area, area, stats[2 * g], w, bias[j % channels]);
            }
        }
    }

    /** {@link #forward} with silu and known statistics. */
    public void forwardSilu(
            float[] y, float[] stats, float[] x, float[] weight, float[] bias, GroupShape s) {
        parallel.forRange(s.batch() * s.groups(), grain(s.width() * s.area()), (from, to) -> {
            for (int g = from; g < to; g++) {
                normalize(y, stats, x, weight, bias, g, s, true);
            }
        });
    }

    /** {@code y = (x - mean) w + bias}. */
    private static void affine(float[] y, float[] x, int at, int area, float mean, float w, float bias) {
        FloatVector wv = FloatVector.broadcast(F, w);
        FloatVector bv = FloatVector.broadcast(F, bias);
        int i = at;
        for (; i <= at + area - LANES; i += LANES) {
            FloatVector.fromArray(F, x, i).sub(mean).fma(wv, bv).intoArray(y, i);
        }
        for (; i < at + area; i++) {
            y[i] = Math.fma(x[i] - mean, w, bias);
        }
    }

    /** {@code y = silu((x - mean) w + bias)}. */
    public static void affineSilu(float[] y, float[] x, int at, int area, float mean, float w, float bias) {
        FloatVector wv = FloatVector.broadcast(F, w);
        FloatVector bv = FloatVector.broadcast(F, bias);
        int i = at;
        for (; i <= at + area - LANES; i += LANES) {
            VectorMath.silu(FloatVector.fromArray(F, x, i).sub(mean).fma(wv, bv)).intoArray(y, i);
        }
        for (; i < at + area; i++) {
            y[i] = VectorMath.silu(Math.fma(x[i] - mean, w, bias));
        }
    }

    void backward(
            Gradients d, float[] dy, float[] x, float[] weight, float[] bias, float[] stats, GroupShape s,
            boolean silu) {
        float[] dx = floatsOrNull(d.dx());
        int channels = s.channels();
        int area = s.area();
        int width = s.width();
        int count = width * area;
        int planes = s.batch() * channels;
        float[] sums = partials.floats(2 * planes); // per plane <du, normalised x>, then per plane the sum of du
        parallel.forRange(s.batch() * s.groups(), grain(count), (from, to) -> {
            for (int g = from; g < to; g++) {
                float mean = stats[2 * g];
                double inv = stats[2 * g + 1];
                double sum = 0;
                double dot = 0;
                for (int j = g * width; j < (g + 1) * width; j++) {
                    float w = weight[j % channels];
                    double planeSum = 0;
                    double planeDot = 0; // <du, x>
                    for (int at = j * area; at < (j + 1) * area; at += CHUNK) {
                        int n = Math.min(CHUNK, (j + 1) * area - at);
                        float[] du = dy;
                        int duAt = at;
                        if (silu) {
                            du = dx != null ? dx : chunk.floats(CHUNK);
                            duAt = dx != null ? at : 0;
                            throughSilu(du, duAt, dy, x, at, n, mean, (float) (w * inv), bias[j % channels]);
                        }
                        planeSum += VectorSums.sum(du, duAt, n);
                        planeDot += VectorSums.dot(du, duAt, x, at, n);
                    }
                    double normalDot = (planeDot - mean * planeSum) * inv;
                    sums[j] = (float) normalDot;
                    sums[planes + j] = (float) planeSum;
                    sum += w * planeSum;
                    dot += w * normalDot;
                }
                if (dx != null) {
                    for (int j = g * width; j < (g + 1) * width; j++) {
                        complete(
                                dx, silu ? dx : dy, x, j * area, area, mean, (float) (inv * weight[j % channels]),
                                (float) (-inv * inv * dot / count), (float) (-inv * sum / count));
                    }
                }
            }
        });
        sumOverBatch(floatsOrNull(d.dWeight()), sums, 0, s.batch(), channels);
        sumOverBatch(floatsOrNull(d.dBias()), sums, planes, s.batch(), channels);
    }

    /** {@code du = dy silu'((x - mean) w + bias)}. */
    private static void throughSilu(
            float[] du, int duAt, float[] dy, float[] x, int at, int n, float mean, float w, float bias) {
        FloatVector wv = FloatVector.broadcast(F, w);
        FloatVector bv = FloatVector.broadcast(F, bias);
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            FloatVector u = FloatVector.fromArray(F, x, at + i).sub(mean).fma(wv, bv);
            FloatVector.fromArray(F, dy, at + i).mul(VectorMath.siluDerivative(u)).intoArray(du, duAt + i);
        }
        for (; i < n; i++) {
            du[duAt + i] = dy[at + i] * VectorMath.siluDerivative(Math.fma(x[at + i] - mean, w, bias));
        }
    }

    /** {@code dx = a du + b (x - mean) + c}. */
    private static void complete(
            float[] dx, float[] du, float[] x, int at, int area, float mean, float a, float b, float c) {
        FloatVector bv = FloatVector.broadcast(F, b);
        FloatVector cv = FloatVector.broadcast(F, c);
        int i = at;
        for (; i <= at + area - LANES; i += LANES) {
            FloatVector rest = FloatVector.fromArray(F, x, i).sub(mean).fma(bv, cv);
            FloatVector.fromArray(F, du, i).mul(a).add(rest).intoArray(dx, i);
        }
        for (; i < at + area; i++) {
            dx[i] = du[i] * a + Math.fma(x[i] - mean, b, c);
        }
    }

    private static void sumOverBatch(float[] out, float[] sums, int first, int batch, int channels) {
        if (out == null) {
            return;
        }
        for (int c = 0; c < channels; c++) {
            double sum = 0;
            for (int b = 0; b < batch; b++) {
                sum += sums[first + b * channels + c];
            }
            out[c] = (float) sum;
        }
    }
}
