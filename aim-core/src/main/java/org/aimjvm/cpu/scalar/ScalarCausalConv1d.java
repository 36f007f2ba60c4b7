package org.aimjvm.cpu.scalar;

import static org.aimjvm.cpu.memory.HeapStorage.floats;
import static org.aimjvm.cpu.memory.HeapStorage.floatsOrNull;
import static org.aimjvm.cpu.scalar.ScalarSsmKernels.sigmoid;
import static org.aimjvm.cpu.scalar.ScalarSsmKernels.store;

import java.util.Arrays;
import org.aimjvm.backend.CausalConv1d;
import org.aimjvm.backend.CausalConvShape;
import org.aimjvm.backend.Storage;

/** Reference causal depthwise convolution: channel by channel, with a window that moves through the sequence. */
final class ScalarCausalConv1d {
    private final float[] xs;
    private final float[] ws;
    private final float[] biases;
    private final boolean silu;
    private final CausalConvShape s;
    /** Inputs t - width + 1 to t of a channel. */
    private final double[] window;

    ScalarCausalConv1d(CausalConv1d.Inputs in, CausalConvShape s) {
        this.xs = floats(in.x());
        this.ws = floats(in.w());
        this.biases = floatsOrNull(in.bias());
        this.silu = in.silu();
        this.s = s;
        this.window = new double[s.width()];
    }

    void forward(Storage y, Storage state) {
        float[] ys = floats(y);
        float[] states = floatsOrNull(state);
        for (int b = 0; b < s.batch(); b++) {
            for (int c = 0; c < s.channels(); c++) {
                int stateAt = (b * s.channels() + c) * s.width();
                for (int m = 0; m < s.width(); m++) {
                    window[m] = states == null ? 0 : states[stateAt + m];
                }
                for (int t = 0; t < s.length(); t++) {
                    int at = (b * s.length() + t) * s.channels() + c;
                    shiftIn(xs[at]);
                    double v = convolve(c);
                    ys[at] = (float) (silu ? v * sigmoid(v) : v);
                }
                store(states, stateAt, window, s.width());
            }
        }
    }

    void backward(CausalConv1d.Gradients out, Storage dy) {
        float[] dXs = floatsOrNull(out.dX());
        float[] dWs = floatsOrNull(out.dW());
        float[] dBiases = floatsOrNull(out.dBias());
        float[] dys = floats(dy);
        double[] dW = new double[s.width()];
        double[] dX = new double[s.length()];
        for (int c = 0; c < s.channels(); c++) {
            Arrays.fill(dW, 0);
            double dBias = 0;
            for (int b = 0; b < s.batch(); b++) {
                Arrays.fill(window, 0);
                Arrays.fill(dX, 0);
                for (int t = 0; t < s.length(); t++) {
                    int at = (b * s.length() + t) * s.channels() + c;
                    shiftIn(xs[at]);
                    double dV = dys[at] * slope(c);
                    dBias += dV;
                    addTaps(dV, c, t, dW, dX);
                }
                for (int t = 0; t < s.length() && dXs != null; t++) {
                    dXs[(b * s.length() + t) * s.channels() + c] = (float) dX[t];
                }
            }
            store(dWs, c * s.width(), dW, s.width());
            if (dBiases != null) {
                dBiases[c] = (float) dBias;
            }
        }
    }

    private void shiftIn(float x) {
        System.arraycopy(window, 1, window, 0, window.length - 1);
        window[window.length - 1] = x;
    }

    private double convolve(int c) {
        double v = biases == null ? 0 : biases[c];
        for (int m = 0; m < s.width(); m++) {
            v += ws[c * s.width() + m] * window[m];
        }
        return v;
    }

    /** Derivative of what follows the convolution. */
    private double slope(int c) {
        if (!silu) {
            return 1;
        }
        double v = convolve(c);
        double sigmoid = sigmoid(v);
        return sigmoid * (1 + v * (1 - sigmoid));
    }

    /** Adds what the gradient of {@code v_t} gives to those of the taps, and of the inputs that they saw. */
    private void addTaps(double dV, int c, int t, double[] dW, double[] dX) {
        for (int m = 0; m < s.width(); m++) {
            dW[m] += dV * window[m];
            int from = t - s.width() + 1 + m; // tap m saw this input
            if (from >= 0) {
                dX[from] += dV * ws[c * s.width() + m];
            }
        }
    }
}
