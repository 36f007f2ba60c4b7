package org.aimjvm.cpu.scalar;

import static org.aimjvm.cpu.memory.HeapStorage.floats;
import static org.aimjvm.cpu.memory.HeapStorage.floatsOrNull;
import static org.aimjvm.cpu.memory.HeapStorage.halvesOrNull;

import java.util.Arrays;
import org.aimjvm.backend.Quantization;
import org.aimjvm.backend.SsdShape;
import org.aimjvm.backend.SsmKernels;
import org.aimjvm.backend.Storage;
import org.aimjvm.cpu.memory.HeapStorage;

/**
 * Reference state-space kernels: the recurrences as they are written in the papers, and their derivatives backwards in
 * time. States and sums in double, so that faster orders of summation can be judged against them.
 */
public final class ScalarSsmKernels implements SsmKernels {

    @Override
    public void causalConv1d(
            Storage y,
            Storage x,
            Storage w,
            Storage bias,
            Storage state,
            int batch,
            int length,
            int channels,
            int width,
            boolean silu) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        float[] ws = floats(w);
        float[] biases = floatsOrNull(bias);
        float[] states = floatsOrNull(state);
        double[] window = new double[width]; // inputs t - width + 1 .. t
        for (int b = 0; b < batch; b++) {
            for (int c = 0; c < channels; c++) {
                int stateAt = (b * channels + c) * width;
                for (int m = 0; m < width; m++) {
                    window[m] = states == null ? 0 : states[stateAt + m];
                }
                for (int t = 0; t < length; t++) {
                    int at = (b * length + t) * channels + c;
                    shiftIn(window, xs[at]);
                    double v = convolve(window, ws, biases, c, width);
                    ys[at] = (float) (silu ? v * sigmoid(v) : v);
                }
                for (int m = 0; m < width && states != null; m++) {
                    states[stateAt + m] = (float) window[m];
                }
            }
        }
    }

    @Override
    public void causalConv1dBackward(
            Storage dx,
            Storage dw,
            Storage dBias,
            Storage dy,
            Storage x,
            Storage w,
            Storage bias,
            int batch,
            int length,
            int channels,
            int width,
            boolean silu) {
        float[] dxs = floatsOrNull(dx);
        float[] dws = floatsOrNull(dw);
        float[] dBiases = floatsOrNull(dBias);
        float[] dys = floats(dy);
        float[] xs = floats(x);
        float[] ws = floats(w);
        float[] biases = floatsOrNull(bias);
        double[] window = new double[width];
        double[] dW = new double[width];
        double[] dX = new double[length];
        for (int c = 0; c < channels; c++) {
            Arrays.fill(dW, 0);
            double dB = 0;
            for (int b = 0; b < batch; b++) {
                Arrays.fill(window, 0);
                Arrays.fill(dX, 0);
                for (int t = 0; t < length; t++) {
                    int at = (b * length + t) * channels + c;
                    shiftIn(window, xs[at]);
                    double dV = dys[at];
                    if (silu) {
                        double v = convolve(window, ws, biases, c, width);
                        double s = sigmoid(v);
                        dV *= s * (1 + v * (1 - s));
                    }
                    dB += dV;
                    for (int m = 0; m < width; m++) {
                        dW[m] += dV * window[m];
                        int from = t - width + 1 + m; // tap m saw this input
                        if (from >= 0) {
                            dX[from] += dV * ws[c * width + m];
                        }
                    }
                }
                for (int t = 0; t < length && dxs != null; t++) {
                    dxs[(b * length + t) * channels + c] = (float) dX[t];
                }
            }
            for (int m = 0; m < width && dws != null; m++) {
                dws[c * width + m] = (float) dW[m];
            }
            if (dBiases != null) {
                dBiases[c] = (float) dB;
            }
        }
    }

    @Override
    public void ssdScan(
            Storage y,
            Storage finalState,
            Storage xbc,
            Storage dt,
            Storage dtBias,
            Storage aLog,
            Storage d,
            Storage initialState,
            SsdShape s) {
        float[] ys = floats(y);
        boolean halves = HeapStorage.areHalves(initialState, finalState);
        float[] finals = halves ? null : floatsOrNull(finalState);
        short[] finalHalves = halves ? halvesOrNull(finalState) : null;
        float[] xbcs = floats(xbc);
        float[] dts = floats(dt);
        float[] dtBiases = floats(dtBias);
        float[] aLogs = floats(aLog);
        float[] ds = floatsOrNull(d);
        float[] initials = halves ? null : floatsOrNull(initialState);
        short[] initialHalves = halves ? halvesOrNull(initialState) : null;
        int pDim = s.headDim();
        int nDim = s.dState();
        double[] state = new double[pDim * nDim];
        for (int b = 0; b < s.batch(); b++) {
            for (int h = 0; h < s.heads(); h++) {
                int stateAt = (b * s.heads() + h) * state.length;
                load(state, 0, initials, stateAt, state.length);
                load(state, initialHalves, stateAt);
                double a = -Math.exp(aLogs[h]);
                for (int t = 0; t < s.length(); t++) {
                    int row = b * s.length() + t;
                    int xAt = row * s.xbcDim() + h * pDim;
                    int bAt = bAt(s, row, h);
                    int cAt = bAt + s.groups() * nDim;
                    double step = step(dts[row * s.heads() + h], dtBiases[h], s);
                    double decay = Math.exp(step * a);
                    for (int p = 0; p < pDim; p++) {
                        double sum = skip(ds, s, h, p) * xbcs[xAt + p];
                        for (int n = 0; n < nDim; n++) {
                            int i = p * nDim + n;
                            state[i] = decay * state[i] + step * xbcs[xAt + p] * xbcs[bAt + n];
                            sum += state[i] * xbcs[cAt + n];
                        }
                        ys[row * s.innerDim() + h * pDim + p] = (float) sum;
                    }
                }
                store(finals, stateAt, state, state.length);
                store(finalHalves, stateAt, state);
            }
        }
    }

    @Override
    public void ssdScanBackward(
            Storage dXbc,
            Storage dDt,
            Storage dDtBias,
            Storage dALog,
            Storage dD,
            Storage dInitialState,
            Storage dy,
            Storage dFinalState,
            Storage xbc,
            Storage dt,
            Storage dtBias,
            Storage aLog,
            Storage d,
            Storage initialState,
            SsdShape s) {
        float[] dys = floats(dy);
        float[] dFinals = floatsOrNull(dFinalState);
        float[] xbcs = floats(xbc);
        float[] dts = floats(dt);
        float[] dtBiases = floats(dtBias);
        float[] aLogs = floats(aLog);
        float[] ds = floatsOrNull(d);
        float[] initials = floatsOrNull(initialState);
        float[] dDts = floats(dDt);
        int pDim = s.headDim();
        int nDim = s.dState();
        int size = pDim * nDim;
        double[] states = new double[(s.length() + 1) * size]; // S_0 (initial) .. S_L
        double[] dState = new double[size];
        double[] dXbcSum = new double[s.batch() * s.length() * s.xbcDim()];
        double[] dDtBiasSum = new double[s.heads()];
        double[] dALogSum = new double[s.heads()];
        double[] dSkipSum = new double[s.innerDim()];
        for (int b = 0; b < s.batch(); b++) {
            for (int h = 0; h < s.heads(); h++) {
                int stateAt = (b * s.heads() + h) * size;
                load(states, 0, initials, stateAt, size);
                double a = -Math.exp(aLogs[h]);
                for (int t = 0; t < s.length(); t++) {
                    int row = b * s.length() + t;
                    int xAt = row * s.xbcDim() + h * pDim;
                    int bAt = bAt(s, row, h);
                    double step = step(dts[row * s.heads() + h], dtBiases[h], s);
                    double decay = Math.exp(step * a);
                    for (int i = 0; i < size; i++) {
                        states[(t + 1) * size + i] =
                                decay * states[t * size + i] + step * xbcs[xAt + i / nDim] * xbcs[bAt + i % nDim];
                    }
                }
                load(dState, 0, dFinals, stateAt, size);
                for (int t = s.length() - 1; t >= 0; t--) {
                    int row = b * s.length() + t;
                    int xAt = row * s.xbcDim() + h * pDim;
                    int yAt = row * s.innerDim() + h * pDim;
                    int bAt = bAt(s, row, h);
                    int cAt = bAt + s.groups() * nDim;
                    float raw = dts[row * s.heads() + h];
                    double step = step(raw, dtBiases[h], s);
                    double decay = Math.exp(step * a);
                    double dStep = 0;
                    double dDecay = 0;
                    for (int p = 0; p < pDim; p++) {
                        double dyp = dys[yAt + p];
                        double xp = xbcs[xAt + p];
                        double dInput = 0; // of step * x
                        for (int n = 0; n < nDim; n++) {
                            int i = p * nDim + n;
                            dState[i] += dyp * xbcs[cAt + n];
                            dXbcSum[cAt + n] += dyp * states[(t + 1) * size + i];
                            dXbcSum[bAt + n] += dState[i] * step * xp;
                            dInput += dState[i] * xbcs[bAt + n];
                            dDecay += dState[i] * states[t * size + i];
                            dState[i] *= decay;
                        }
                        dXbcSum[xAt + p] = dInput * step + dyp * skip(ds, s, h, p);
                        dStep += dInput * xp;
                        dSkipSum[h * pDim + p] += dyp * xp;
                    }
                    dStep += dDecay * decay * a;
                    dALogSum[h] += dDecay * decay * step * a; // dA / d(aLog) = A
                    double dRaw = dStep * stepDerivative(raw, dtBiases[h], s);
                    dDts[row * s.heads() + h] = (float) dRaw;
                    dDtBiasSum[h] += dRaw;
                }
                store(floatsOrNull(dInitialState), stateAt, dState, size);
            }
        }
        store(floats(dXbc), 0, dXbcSum, dXbcSum.length);
        store(floats(dDtBias), 0, dDtBiasSum, s.heads());
        store(floats(dALog), 0, dALogSum, s.heads());
        if (ds != null && !s.perChannelD()) {
            for (int h = 0; h < s.heads(); h++) {
                dSkipSum[h] = Arrays.stream(dSkipSum, h * pDim, (h + 1) * pDim).sum();
            }
        }
        if (ds != null) {
            store(floats(dD), 0, dSkipSum, s.perChannelD() ? s.innerDim() : s.heads());
        }
    }

    @Override
    public void selectiveScan(
            Storage y,
            Storage finalState,
            Storage x,
            Storage delta,
            Storage deltaBias,
            Storage aLog,
            Storage bMat,
            Storage cMat,
            Storage d,
            Storage initialState,
            int batch,
            int length,
            int channels,
            int dState) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        float[] deltas = floats(delta);
        float[] deltaBiases = floatsOrNull(deltaBias);
        float[] aLogs = floats(aLog);
        float[] bs = floats(bMat);
        float[] cs = floats(cMat);
        float[] ds = floatsOrNull(d);
        double[] state = new double[dState];
        for (int b = 0; b < batch; b++) {
            for (int c = 0; c < channels; c++) {
                int stateAt = (b * channels + c) * dState;
                load(state, 0, floatsOrNull(initialState), stateAt, dState);
                for (int t = 0; t < length; t++) {
                    int row = b * length + t;
                    double step = softplus(deltas[row * channels + c] + (deltaBiases == null ? 0.0 : deltaBiases[c]));
                    double xt = xs[row * channels + c];
                    double sum = ds == null ? 0 : ds[c] * xt;
                    for (int n = 0; n < dState; n++) {
                        double decay = Math.exp(-step * Math.exp(aLogs[c * dState + n]));
                        state[n] = decay * state[n] + step * bs[row * dState + n] * xt;
                        sum += state[n] * cs[row * dState + n];
                    }
                    ys[row * channels + c] = (float) sum;
                }
                store(floatsOrNull(finalState), stateAt, state, dState);
            }
        }
    }

    @Override
    public void selectiveScanBackward(
            Storage dX,
            Storage dDelta,
            Storage dDeltaBias,
            Storage dALog,
            Storage dBMat,
            Storage dCMat,
            Storage dD,
            Storage dInitialState,
            Storage dy,
            Storage dFinalState,
            Storage x,
            Storage delta,
            Storage deltaBias,
            Storage aLog,
            Storage bMat,
            Storage cMat,
            Storage d,
            Storage initialState,
            int batch,
            int length,
            int channels,
            int dState) {
        float[] dXs = floatsOrNull(dX);
        float[] dDeltas = floatsOrNull(dDelta);
        float[] dys = floats(dy);
        float[] xs = floats(x);
        float[] deltas = floats(delta);
        float[] deltaBiases = floatsOrNull(deltaBias);
        float[] aLogs = floats(aLog);
        float[] bs = floats(bMat);
        float[] cs = floats(cMat);
        float[] ds = floatsOrNull(d);
        double[] states = new double[(length + 1) * dState];
        double[] dS = new double[dState];
        double[] dDeltaBiasSum = new double[channels];
        double[] dALogSum = new double[channels * dState];
        double[] dBSum = new double[batch * length * dState];
        double[] dCSum = new double[batch * length * dState];
        double[] dSkipSum = new double[channels];
        for (int b = 0; b < batch; b++) {
            for (int c = 0; c < channels; c++) {
                int stateAt = (b * channels + c) * dState;
                load(states, 0, floatsOrNull(initialState), stateAt, dState);
                for (int t = 0; t < length; t++) {
                    int row = b * length + t;
                    double step = softplus(deltas[row * channels + c] + (deltaBiases == null ? 0.0 : deltaBiases[c]));
                    for (int n = 0; n < dState; n++) {
                        double decay = Math.exp(-step * Math.exp(aLogs[c * dState + n]));
                        states[(t + 1) * dState + n] =
                                decay * states[t * dState + n] + step * bs[row * dState + n] * xs[row * channels + c];
                    }
                }
                load(dS, 0, floatsOrNull(dFinalState), stateAt, dState);
                for (int t = length - 1; t >= 0; t--) {
                    int row = b * length + t;
                    double raw = deltas[row * channels + c] + (deltaBiases == null ? 0.0 : deltaBiases[c]);
                    double step = softplus(raw);
                    double xt = xs[row * channels + c];
                    double dyt = dys[row * channels + c];
                    double dInput = 0; // of step * x
                    double dStep = 0;
                    for (int n = 0; n < dState; n++) {
                        int at = row * dState + n;
                        double a = -Math.exp(aLogs[c * dState + n]);
                        double decay = Math.exp(step * a);
                        dS[n] += dyt * cs[at];
                        dCSum[at] += dyt * states[(t + 1) * dState + n];
                        dBSum[at] += dS[n] * step * xt;
                        dInput += dS[n] * bs[at];
                        double dExponent = dS[n] * states[t * dState + n] * decay;
                        dStep += dExponent * a;
                        dALogSum[c * dState + n] += dExponent * step * a;
                        dS[n] *= decay;
                    }
                    double dRaw = (dStep + dInput * xt) * softplusDerivative(raw);
                    dDeltaBiasSum[c] += dRaw;
                    dSkipSum[c] += dyt * xt;
                    if (dDeltas != null) {
                        dDeltas[row * channels + c] = (float) dRaw;
                    }
                    if (dXs != null) {
                        dXs[row * channels + c] = (float) (dInput * step + (ds == null ? 0 : dyt * ds[c]));
                    }
                }
                store(floatsOrNull(dInitialState), stateAt, dS, dState);
            }
        }
        store(floatsOrNull(dDeltaBias), 0, dDeltaBiasSum, channels);
        store(floatsOrNull(dALog), 0, dALogSum, channels * dState);
        store(floatsOrNull(dBMat), 0, dBSum, dBSum.length);
        store(floatsOrNull(dCMat), 0, dCSum, dCSum.length);
        store(floatsOrNull(dD), 0, dSkipSum, channels);
    }

    private static void shiftIn(double[] window, double x) {
        System.arraycopy(window, 1, window, 0, window.length - 1);
        window[window.length - 1] = x;
    }

    private static double convolve(double[] window, float[] w, float[] bias, int channel, int width) {
        double v = bias == null ? 0 : bias[channel];
        for (int m = 0; m < width; m++) {
            v += w[channel * width + m] * window[m];
        }
        return v;
    }

    /** Where B of head {@code h} starts in row {@code row} of xbc; C follows {@code G * N} later. */
    private static int bAt(SsdShape s, int row, int h) {
        return row * s.xbcDim() + s.bOffset(h);
    }

    private static double skip(float[] d, SsdShape s, int h, int p) {
        return d == null ? 0 : d[s.perChannelD() ? h * s.headDim() + p : h];
    }

    private static double step(double raw, double bias, SsdShape s) {
        return Math.min(Math.max(softplus(raw + bias), s.dtMin()), s.dtMax());
    }

    /** Zero where a limit holds the step. */
    private static double stepDerivative(double raw, double bias, SsdShape s) {
        double step = softplus(raw + bias);
        return step < s.dtMin() || step > s.dtMax() ? 0 : softplusDerivative(raw + bias);
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    private static double softplus(double x) {
        return x > 20 ? x : Math.log1p(Math.exp(x));
    }

    private static double softplusDerivative(double x) {
        return x > 20 ? 1 : sigmoid(x);
    }

    /** Zeros if {@code src} is {@code null}. */
    private static void load(double[] dst, int to, float[] src, int from, int count) {
        for (int i = 0; i < count; i++) {
            dst[to + i] = src == null ? 0 : src[from + i];
        }
    }

    /** BF16; nothing if {@code src} is {@code null}. */
    private static void load(double[] dst, short[] src, int from) {
        for (int i = 0; i < dst.length && src != null; i++) {
            dst[i] = Float.intBitsToFloat(src[from + i] << 16);
        }
    }

    /** Rounded to F32, then to BF16, as where arithmetic is F32; nothing if {@code dst} is {@code null}. */
    private static void store(short[] dst, int to, double[] src) {
        for (int i = 0; i < src.length && dst != null; i++) {
            dst[to + i] = (short) Quantization.bf16Bits((float) src[i]);
        }
    }

    /** Nothing if {@code dst} is {@code null}. */
    private static void store(float[] dst, int to, double[] src, int count) {
        for (int i = 0; i < count && dst != null; i++) {
            dst[to + i] = (float) src[i];
        }
    }
}
