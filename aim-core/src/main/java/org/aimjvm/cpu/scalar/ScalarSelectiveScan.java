package org.aimjvm.cpu.scalar;

import static org.aimjvm.cpu.memory.HeapStorage.floats;
import static org.aimjvm.cpu.memory.HeapStorage.floatsOrNull;
import static org.aimjvm.cpu.scalar.ScalarSsmKernels.load;
import static org.aimjvm.cpu.scalar.ScalarSsmKernels.softplus;
import static org.aimjvm.cpu.scalar.ScalarSsmKernels.softplusDerivative;
import static org.aimjvm.cpu.scalar.ScalarSsmKernels.store;

import org.aimjvm.backend.SelectiveScan;
import org.aimjvm.backend.SelectiveShape;
import org.aimjvm.backend.Storage;

/**
 * Reference selective scan: each channel of each sequence by the recurrence, and its gradient backwards in time from
 * all states, which are kept.
 */
final class ScalarSelectiveScan {
    private final float[] xs;
    private final float[] deltas;
    private final float[] deltaBiases;
    private final float[] aLogs;
    private final float[] bs;
    private final float[] cs;
    private final float[] ds;
    private final float[] initials;
    private final SelectiveShape s;
    private final int nDim;

    ScalarSelectiveScan(SelectiveScan.Inputs in, SelectiveShape s) {
        this.xs = floats(in.x());
        this.deltas = floats(in.delta());
        this.deltaBiases = floatsOrNull(in.deltaBias());
        this.aLogs = floats(in.aLog());
        this.bs = floats(in.b());
        this.cs = floats(in.c());
        this.ds = floatsOrNull(in.d());
        this.initials = floatsOrNull(in.initialState());
        this.s = s;
        this.nDim = s.dState();
    }

    void forward(Storage y, Storage finalState) {
        float[] ys = floats(y);
        float[] finals = floatsOrNull(finalState);
        double[] state = new double[nDim];
        for (int b = 0; b < s.batch(); b++) {
            for (int c = 0; c < s.channels(); c++) {
                load(state, initials, stateAt(b, c), nDim);
                for (int t = 0; t < s.length(); t++) {
                    int row = b * s.length() + t;
                    double step = softplus(raw(row, c));
                    double x = xs[row * s.channels() + c];
                    double sum = ds == null ? 0 : ds[c] * x;
                    for (int n = 0; n < nDim; n++) {
                        state[n] = decay(step, c, n) * state[n] + step * bs[row * nDim + n] * x;
                        sum += state[n] * cs[row * nDim + n];
                    }
                    ys[row * s.channels() + c] = (float) sum;
                }
                store(finals, stateAt(b, c), state, nDim);
            }
        }
    }

    void backward(SelectiveScan.Gradients out, Storage dy, Storage dFinalState) {
        Gradient gradient = new Gradient(out, dy, s);
        float[] dFinals = floatsOrNull(dFinalState);
        float[] dInitials = floatsOrNull(out.dInitialState());
        double[] states = new double[(s.length() + 1) * nDim]; // S_0 (initial) .. S_L
        double[] dState = new double[nDim];
        for (int b = 0; b < s.batch(); b++) {
            for (int c = 0; c < s.channels(); c++) {
                fillStates(states, b, c);
                load(dState, dFinals, stateAt(b, c), nDim);
                for (int t = s.length() - 1; t >= 0; t--) {
                    elementBackward(b * s.length() + t, c, states, t * nDim, dState, gradient);
                }
                store(dInitials, stateAt(b, c), dState, nDim);
            }
        }
        gradient.storeSums(out);
    }

    /** All states of a channel of a sequence, from the initial to the last. */
    private void fillStates(double[] states, int b, int c) {
        load(states, initials, stateAt(b, c), nDim);
        for (int t = 0; t < s.length(); t++) {
            int row = b * s.length() + t;
            double step = softplus(raw(row, c));
            for (int n = 0; n < nDim; n++) {
                states[(t + 1) * nDim + n] = decay(step, c, n) * states[t * nDim + n]
                        + step * bs[row * nDim + n] * xs[row * s.channels() + c];
            }
        }
    }

    /**
     * Takes the gradient of the state from after an element to before it.
     *
     * @param states of the sequence; {@code before} is where the state before the element lies
     * @param dState Modified
     */
    private void elementBackward(
            int row, int c, double[] states, int before, double[] dState, Gradient gradient) {
        int xAt = row * s.channels() + c;
        double step = softplus(raw(row, c));
        double x = xs[xAt];
        double dy = gradient.dys[xAt];
        double dInput = 0; // of step * x
        double dStep = 0;
        for (int n = 0; n < nDim; n++) {
            int at = row * nDim + n;
            double a = -Math.exp(aLogs[c * nDim + n]);
            double decay = decay(step, c, n);
            dState[n] += dy * cs[at];
            gradient.c[at] += dy * states[before + nDim + n];
            gradient.b[at] += dState[n] * step * x;
            dInput += dState[n] * bs[at];
            double dExponent = dState[n] * states[before + n] * decay;
            dStep += dExponent * a;
            gradient.aLog[c * nDim + n] += dExponent * step * a; // dA / d(aLog) = A
            dState[n] *= decay;
        }
        double dRaw = (dStep + dInput * x) * softplusDerivative(raw(row, c));
        gradient.deltaBias[c] += dRaw;
        gradient.skip[c] += dy * x;
        if (gradient.dDeltas != null) {
            gradient.dDeltas[xAt] = (float) dRaw;
        }
        if (gradient.dXs != null) {
            gradient.dXs[xAt] = (float) (dInput * step + (ds == null ? 0 : dy * ds[c]));
        }
    }

    /** The outputs' gradient and those that elements write; sums of those that several channels or elements add to. */
    private static final class Gradient {
        final float[] dys;
        final float[] dXs; // null: not wanted
        final float[] dDeltas; // null: not wanted
        final double[] deltaBias;
        final double[] aLog;
        final double[] b;
        final double[] c;
        final double[] skip;

        Gradient(SelectiveScan.Gradients out, Storage dy, SelectiveShape s) {
            this.dys = floats(dy);
            this.dXs = floatsOrNull(out.dX());
            this.dDeltas = floatsOrNull(out.dDelta());
            this.deltaBias = new double[s.channels()];
            this.aLog = new double[s.channels() * s.dState()];
            this.b = new double[s.rows() * s.dState()];
            this.c = new double[s.rows() * s.dState()];
            this.skip = new double[s.channels()];
        }

        void storeSums(SelectiveScan.Gradients out) {
            store(floatsOrNull(out.dDeltaBias()), 0, deltaBias, deltaBias.length);
            store(floatsOrNull(out.dALog()), 0, aLog, aLog.length);
            store(floatsOrNull(out.dB()), 0, b, b.length);
            store(floatsOrNull(out.dC()), 0, c, c.length);
            store(floatsOrNull(out.dD()), 0, skip, skip.length);
        }
    }

    private int stateAt(int b, int c) {
        return (b * s.channels() + c) * nDim;
    }

    /** The step before softplus. */
    private double raw(int row, int c) {
        return deltas[row * s.channels() + c] + (deltaBiases == null ? 0.0 : deltaBiases[c]);
    }

    private double decay(double step, int c, int n) {
        return Math.exp(-step * Math.exp(aLogs[c * nDim + n]));
    }
}
