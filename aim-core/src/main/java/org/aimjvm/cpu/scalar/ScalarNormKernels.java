package org.aimjvm.cpu.scalar;

import static org.aimjvm.cpu.memory.HeapStorage.floats;
import static org.aimjvm.cpu.memory.HeapStorage.floatsOrNull;
import static org.aimjvm.cpu.scalar.ScalarElementwiseKernels.derivative;
import static org.aimjvm.cpu.scalar.ScalarElementwiseKernels.sigmoid;

import org.aimjvm.backend.ElementwiseKernels.Unary;
import org.aimjvm.backend.FusedKernels;
import org.aimjvm.backend.NormKernels;
import org.aimjvm.backend.Storage;

/** Reference normalisations, forward and backward side by side. Every sum is in F64. */
public final class ScalarNormKernels implements NormKernels {

    @Override
    public void rmsNorm(Storage y, Storage invRms, Storage x, Storage weight, int rows, int cols, float eps) {
        float[] ys = floats(y);
        float[] invs = floats(invRms);
        float[] xs = floats(x);
        float[] ws = floats(weight);
        for (int r = 0; r < rows; r++) {
            int base = r * cols;
            double squares = 0;
            for (int c = 0; c < cols; c++) {
                squares += (double) xs[base + c] * xs[base + c];
            }
            float inv = (float) (1 / Math.sqrt(squares / cols + eps));
            invs[r] = inv;
            for (int c = 0; c < cols; c++) {
                ys[base + c] = xs[base + c] * inv * ws[c];
            }
        }
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
        for (int row = 0; row < batch * length; row++) {
            int base = row * cols;
            int cond = row / length * cols;
            double squares = 0;
            for (int c = 0; c < cols; c++) {
                float s = branches[base + c] * gates[cond + c] + residuals[base + c];
                sums[base + c] = s;
                squares += (double) s * s;
            }
            float inv = (float) (1 / Math.sqrt(squares / cols + r.eps()));
            for (int c = 0; c < cols; c++) {
                float n = sums[base + c] * inv * ws[c];
                ys[base + c] = shifts == null ? n : n * (1 + scales[cond + c]) + shifts[cond + c];
            }
        }
    }

    @Override
    public void rmsNormBackward(
            Storage dx, Storage dWeight, Storage dy, Storage x, Storage weight, Storage invRms, int rows, int cols) {
        float[] dxs = floatsOrNull(dx);
        float[] dWeights = floatsOrNull(dWeight);
        float[] dys = floats(dy);
        float[] xs = floats(x);
        float[] ws = floats(weight);
        float[] invs = floats(invRms);
        double[] weightSums = new double[cols];
        for (int r = 0; r < rows; r++) {
            int base = r * cols;
            double inv = invs[r];
            double dot = 0; // <dy weight, x>
            for (int c = 0; c < cols; c++) {
                dot += (double) dys[base + c] * ws[c] * xs[base + c];
                weightSums[c] += dys[base + c] * xs[base + c] * inv;
            }
            if (dxs != null) {
                double pull = inv * inv * inv * dot / cols;
                for (int c = 0; c < cols; c++) {
                    dxs[base + c] = (float) (inv * dys[base + c] * ws[c] - pull * xs[base + c]);
                }
            }
        }
        store(dWeights, weightSums);
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
        float[] ys = floats(y);
        float[] invs = floats(invRms);
        float[] xs = floats(x);
        float[] zs = floats(z);
        float[] ws = floats(weight);
        int rows = s.rows();
        int cols = s.cols();
        int groups = s.groups();
        int width = s.width();
        for (int r = 0; r < rows; r++) {
            for (int g = 0; g < groups; g++) {
                int base = r * cols + g * width;
                double squares = 0;
                for (int c = 0; c < width; c++) {
                    float gate = zs[base + c] * sigmoid(zs[base + c]);
                    float v = s.normBeforeGate() ? xs[base + c] : xs[base + c] * gate;
                    squares += (double) v * v;
                }
                float inv = (float) (1 / Math.sqrt(squares / width + eps));
                invs[r * groups + g] = inv;
                for (int c = 0; c < width; c++) {
                    float gate = zs[base + c] * sigmoid(zs[base + c]);
                    // the order of gate and norm is in inv
                    ys[base + c] = xs[base + c] * gate * inv * ws[g * width + c];
                }
            }
        }
    }

    @Override
    public void gatedRmsNormBackward(
            GatedGradients d, Storage dy, Storage x, Storage z, Storage weight, Storage invRms, GatedShape s) {
        float[] dxs = floatsOrNull(d.dx());
        float[] dzs = floatsOrNull(d.dz());
        float[] dWeights = floatsOrNull(d.dWeight());
        float[] dys = floats(dy);
        float[] xs = floats(x);
        float[] zs = floats(z);
        float[] ws = floats(weight);
        float[] invs = floats(invRms);
        int rows = s.rows();
        int cols = s.cols();
        int groups = s.groups();
        int width = s.width();
        double[] weightSums = new double[cols];
        for (int r = 0; r < rows; r++) {
            for (int g = 0; g < groups; g++) {
                int base = r * cols + g * width;
                double inv = invs[r * groups + g];
                double dot = 0; // <gradient of the normalised value, what is normalised>: x gate dy weight either way
                for (int c = 0; c < width; c++) {
                    double gate = zs[base + c] * sigmoid(zs[base + c]);
                    dot += dys[base + c] * ws[g * width + c] * xs[base + c] * gate;
                    weightSums[g * width + c] += dys[base + c] * xs[base + c] * gate * inv;
                }
                double pull = inv * inv * inv * dot / width;
                for (int c = 0; c < width; c++) {
                    double gate = zs[base + c] * sigmoid(zs[base + c]);
                    double slope = derivative(Unary.SILU, zs[base + c]);
                    double xc = xs[base + c];
                    double gradient = inv * dys[base + c] * ws[g * width + c];
                    if (s.normBeforeGate()) {
                        put(dxs, base + c, gradient * gate - pull * xc);
                        put(dzs, base + c, gradient * xc * slope);
                    } else {
                        double dv = gradient - pull * xc * gate;
                        put(dxs, base + c, dv * gate);
                        put(dzs, base + c, dv * xc * slope);
                    }
                }
            }
        }
        store(dWeights, weightSums);
    }

    @Override
    public void layerNorm(
            Storage y, Storage stats, Storage x, Storage weight, Storage bias, int rows, int cols, float eps) {
        float[] ys = floats(y);
        float[] ss = floats(stats);
        float[] xs = floats(x);
        float[] ws = floats(weight);
        float[] bs = floats(bias);
        for (int r = 0; r < rows; r++) {
            meanAndInverse(ss, r, xs, r * cols, cols, eps);
            for (int c = 0; c < cols; c++) {
                ys[r * cols + c] = (xs[r * cols + c] - ss[2 * r]) * ss[2 * r + 1] * ws[c] + bs[c];
            }
        }
    }

    @Override
    public void layerNormBackward(
            Gradients d, Storage dy, Storage x, Storage weight, Storage stats, int rows, int cols) {
        float[] dxs = floatsOrNull(d.dx());
        float[] dWeights = floatsOrNull(d.dWeight());
        float[] dBiases = floatsOrNull(d.dBias());
        float[] dys = floats(dy);
        float[] xs = floats(x);
        float[] ws = floats(weight);
        float[] ss = floats(stats);
        double[] weightSums = new double[cols];
        double[] biasSums = new double[cols];
        for (int r = 0; r < rows; r++) {
            int base = r * cols;
            double mean = ss[2 * r];
            double inv = ss[2 * r + 1];
            double sum = 0;
            double dot = 0;
            for (int c = 0; c < cols; c++) {
                double normal = (xs[base + c] - mean) * inv;
                sum += (double) dys[base + c] * ws[c];
                dot += dys[base + c] * ws[c] * normal;
                weightSums[c] += dys[base + c] * normal;
                biasSums[c] += dys[base + c];
            }
            for (int c = 0; c < cols; c++) {
                double normal = (xs[base + c] - mean) * inv;
                put(dxs, base + c, inv * ((double) dys[base + c] * ws[c] - sum / cols - normal * dot / cols));
            }
        }
        store(dWeights, weightSums);
        store(dBiases, biasSums);
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
        float[] ss = floats(stats);
        float[] xs = floats(x);
        int count = s.width() * s.area();
        for (int g = 0; g < s.batch() * s.groups(); g++) {
            meanAndInverse(ss, g, xs, g * count, count, eps);
        }
        if (y != null) {
            normalize(floats(y), ss, xs, floats(weight), floats(bias), s, silu);
        }
    }

    /** {@link #groupNorm} with known statistics. */
    static void normalize(
            float[] ys, float[] ss, float[] xs, float[] ws, float[] bs, GroupShape s, boolean silu) {
        int width = s.width();
        int channels = s.channels();
        int area = s.area();
        for (int plane = 0; plane < s.batch() * channels; plane++) {
            int g = plane / width;
            int channel = plane % channels;
            for (int i = plane * area; i < (plane + 1) * area; i++) {
                float u = (xs[i] - ss[2 * g]) * ss[2 * g + 1] * ws[channel] + bs[channel];
                ys[i] = silu ? u * sigmoid(u) : u;
            }
        }
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
        float[] dxs = floatsOrNull(d.dx());
        float[] dWeights = floatsOrNull(d.dWeight());
        float[] dBiases = floatsOrNull(d.dBias());
        float[] dys = floats(dy);
        float[] xs = floats(x);
        float[] ws = floats(weight);
        float[] bs = floats(bias);
        float[] ss = floats(stats);
        int channels = s.channels();
        int area = s.area();
        int width = s.width();
        int count = width * area;
        double[] weightSums = new double[channels];
        double[] biasSums = new double[channels];
        double[] dus = new double[count]; // gradient before silu
        for (int g = 0; g < s.batch() * s.groups(); g++) {
            double mean = ss[2 * g];
            double inv = ss[2 * g + 1];
            double sum = 0;
            double dot = 0;
            for (int i = 0; i < count; i++) {
                int at = g * count + i;
                int channel = (g * width + i / area) % channels;
                double normal = (xs[at] - mean) * inv;
                float u = (float) (normal * ws[channel] + bs[channel]);
                dus[i] = silu ? dys[at] * derivative(Unary.SILU, u) : dys[at];
                sum += dus[i] * ws[channel];
                dot += dus[i] * ws[channel] * normal;
                weightSums[channel] += dus[i] * normal;
                biasSums[channel] += dus[i];
            }
            for (int i = 0; i < count; i++) {
                int at = g * count + i;
                int channel = (g * width + i / area) % channels;
                double normal = (xs[at] - mean) * inv;
                put(dxs, at, inv * (dus[i] * ws[channel] - sum / count - normal * dot / count));
            }
        }
        store(dWeights, weightSums);
        store(dBiases, biasSums);
    }

    @Override
    public void channelMoments(Storage mean, Storage variance, Storage x, ChannelShape s) {
        ScalarBatchNorm.moments(floats(mean), floats(variance), floats(x), s);
    }

    @Override
    public void batchNorm(
            Storage y, Storage x, Storage weight, Storage bias, Storage mean, Storage variance, ChannelShape s,
            float eps) {
        ScalarBatchNorm.forward(
                floats(y), floats(x), floats(weight), floats(bias), floats(mean), floats(variance), s, eps);
    }

    @Override
    public void batchNormBackward(
            Gradients d, Storage dy, Storage x, Storage weight, Storage mean, Storage variance, ChannelShape s,
            float eps, boolean constant) {
        ScalarBatchNorm.backward(
                d, floats(dy), floats(x), floats(weight), floats(mean), floats(variance), s, eps, constant);
    }

    @Override
    public void l2Normalize(Storage y, Storage invNorm, Storage x, int rows, int cols, float eps) {
        float[] ys = floats(y);
        float[] invs = floats(invNorm);
        float[] xs = floats(x);
        for (int r = 0; r < rows; r++) {
            double squares = 0;
            for (int c = 0; c < cols; c++) {
                squares += (double) xs[r * cols + c] * xs[r * cols + c];
            }
            invs[r] = (float) (1 / Math.max(Math.sqrt(squares), eps));
            for (int c = 0; c < cols; c++) {
                ys[r * cols + c] = xs[r * cols + c] * invs[r];
            }
        }
    }

    @Override
    public void l2NormalizeBackward(Storage dx, Storage dy, Storage y, Storage invNorm, int rows, int cols, float eps) {
        float[] dxs = floats(dx);
        float[] dys = floats(dy);
        float[] ys = floats(y);
        float[] invs = floats(invNorm);
        for (int r = 0; r < rows; r++) {
            int base = r * cols;
            double dot = 0;
            for (int c = 0; c < cols; c++) {
                dot += (double) dys[base + c] * ys[base + c];
            }
            double pull = isClipped(invs[r], eps) ? 0 : dot;
            for (int c = 0; c < cols; c++) {
                dxs[base + c] = (float) ((dys[base + c] - pull * ys[base + c]) * invs[r]);
            }
        }
    }

    /** Whether the norm of which {@code invNorm} is the inverse was below {@code eps}, so that x was only scaled. */
    public static boolean isClipped(float invNorm, float eps) {
        return invNorm >= (float) (1 / (double) eps);
    }

    /**
     * Writes mean and 1 / sqrt(var + eps) of {@code count} elements from {@code base} on to entry {@code at} of stats.
     */
    private static void meanAndInverse(float[] stats, int at, float[] xs, int base, int count, float eps) {
        double sum = 0;
        for (int i = base; i < base + count; i++) {
            sum += xs[i];
        }
        double mean = sum / count;
        double squares = 0;
        for (int i = base; i < base + count; i++) {
            squares += (xs[i] - mean) * (xs[i] - mean);
        }
        stats[2 * at] = (float) mean;
        stats[2 * at + 1] = (float) (1 / Math.sqrt(squares / count + eps));
    }

    private static void put(float[] out, int i, double value) {
        if (out != null) {
            out[i] = (float) value;
        }
    }

    private static void store(float[] out, double[] sums) {
        if (out != null) {
            for (int i = 0; i < sums.length; i++) {
                out[i] = (float) sums[i];
            }
        }
    }
}
