package org.aimjvm.cpu.scalar;

import static org.aimjvm.cpu.memory.HeapStorage.floatsOrNull;

import org.aimjvm.backend.NormKernels.ChannelShape;
import org.aimjvm.backend.NormKernels.Gradients;

/** The reference loops of batch normalisation. */
final class ScalarBatchNorm {
    private ScalarBatchNorm() {}

    /** Index of element {@code k} of channel {@code c}, counted picture by picture. */
    private static int at(int c, int k, ChannelShape s) {
        return (k / s.area() * s.channels() + c) * s.area() + k % s.area();
    }

    static void moments(float[] mean, float[] variance, float[] x, ChannelShape s) {
        for (int c = 0; c < s.channels(); c++) {
            double sum = 0;
            for (int k = 0; k < s.count(); k++) {
                sum += x[at(c, k, s)];
            }
            double m = sum / s.count();
            double squares = 0;
            for (int k = 0; k < s.count(); k++) {
                double d = x[at(c, k, s)] - m;
                squares += d * d;
            }
            mean[c] = (float) m;
            variance[c] = (float) (squares / s.count());
        }
    }

    static void forward(
            float[] y, float[] x, float[] weight, float[] bias, float[] mean, float[] variance, ChannelShape s,
            float eps) {
        for (int c = 0; c < s.channels(); c++) {
            double inverse = 1 / Math.sqrt((double) variance[c] + eps);
            for (int k = 0; k < s.count(); k++) {
                int at = at(c, k, s);
                y[at] = (float) ((x[at] - mean[c]) * inverse * weight[c] + bias[c]);
            }
        }
    }

    static void backward(
            Gradients d, float[] dy, float[] x, float[] weight, float[] mean, float[] variance, ChannelShape s,
            float eps, boolean constant) {
        float[] dx = floatsOrNull(d.dx());
        float[] dWeight = floatsOrNull(d.dWeight());
        float[] dBias = floatsOrNull(d.dBias());
        for (int c = 0; c < s.channels(); c++) {
            double inverse = 1 / Math.sqrt((double) variance[c] + eps);
            double sum = 0;
            double dot = 0;
            for (int k = 0; k < s.count(); k++) {
                int at = at(c, k, s);
                sum += dy[at];
                dot += dy[at] * (x[at] - mean[c]) * inverse;
            }
            if (dWeight != null) {
                dWeight[c] = (float) dot;
            }
            if (dBias != null) {
                dBias[c] = (float) sum;
            }
            for (int k = 0; dx != null && k < s.count(); k++) {
                int at = at(c, k, s);
                double through = constant ? 0 : sum / s.count() + (x[at] - mean[c]) * inverse * dot / s.count();
                dx[at] = (float) (weight[c] * inverse * (dy[at] - through));
            }
        }
    }
}
