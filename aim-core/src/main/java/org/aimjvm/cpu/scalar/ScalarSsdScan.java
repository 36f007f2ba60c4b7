package org.aimjvm.cpu.scalar;

import static org.aimjvm.cpu.memory.HeapStorage.floats;
import static org.aimjvm.cpu.memory.HeapStorage.floatsOrNull;
import static org.aimjvm.cpu.memory.HeapStorage.halvesOrNull;
import static org.aimjvm.cpu.scalar.ScalarSsmKernels.load;
import static org.aimjvm.cpu.scalar.ScalarSsmKernels.softplus;
import static org.aimjvm.cpu.scalar.ScalarSsmKernels.softplusDerivative;
import static org.aimjvm.cpu.scalar.ScalarSsmKernels.store;

import java.util.Arrays;
import org.aimjvm.backend.Quantization;
import org.aimjvm.backend.SsdScan;
import org.aimjvm.backend.SsdShape;
import org.aimjvm.backend.Storage;
import org.aimjvm.cpu.memory.HeapStorage;

/**
 * Reference SSD scan: each head of each sequence by the recurrence, and its gradient backwards in time from all states,
 * which are kept.
 */
final class ScalarSsdScan {
    private final float[] xbcs;
    private final float[] dts;
    private final float[] dtBiases;
    private final float[] aLogs;
    private final float[] ds;
    private final Storage initial;
    private final SsdShape s;
    private final int pDim;
    private final int nDim;
    private final int stateSize; // of a head

    ScalarSsdScan(SsdScan.Inputs in, SsdShape s) {
        this.xbcs = floats(in.xbc());
        this.dts = floats(in.dt());
        this.dtBiases = floats(in.dtBias());
        this.aLogs = floats(in.aLog());
        this.ds = floatsOrNull(in.d());
        this.initial = in.initialState();
        this.s = s;
        this.pDim = s.headDim();
        this.nDim = s.dState();
        this.stateSize = pDim * nDim;
    }

    void forward(Storage y, Storage finalState) {
        float[] ys = floats(y);
        boolean halves = HeapStorage.areHalves(initial, finalState);
        States initials = States.of(initial, halves);
        States finals = States.of(finalState, halves);
        double[] state = new double[stateSize];
        for (int b = 0; b < s.batch(); b++) {
            for (int h = 0; h < s.heads(); h++) {
                initials.load(state, stateAt(b, h), stateSize);
                for (int t = 0; t < s.length(); t++) {
                    element(b * s.length() + t, h, state, ys);
                }
                finals.store(stateAt(b, h), state);
            }
        }
    }

    /** Memory of states in one of two types, or neither: then zeros are loaded and nothing is stored. */
    private record States(float[] floats, short[] halves) {
        static States of(Storage states, boolean areHalves) {
            return areHalves ? new States(null, halvesOrNull(states)) : new States(floatsOrNull(states), null);
        }

        void load(double[] state, int at, int count) {
            if (halves == null) {
                ScalarSsmKernels.load(state, floats, at, count);
            } else {
                for (int i = 0; i < count; i++) {
                    state[i] = Float.intBitsToFloat(halves[at + i] << 16);
                }
            }
        }

        /** BF16 are rounded to F32 first, as where arithmetic is F32. */
        void store(int at, double[] state) {
            ScalarSsmKernels.store(floats, at, state, state.length);
            for (int i = 0; i < state.length && halves != null; i++) {
                halves[at + i] = (short) Quantization.bf16Bits((float) state[i]);
            }
        }
    }

    private void element(int row, int h, double[] state, float[] ys) {
        int xAt = xAt(row, h);
        int bAt = bAt(row, h);
        int cAt = cAt(row, h);
        double step = step(row, h);
        double decay = Math.exp(step * a(h));
        for (int p = 0; p < pDim; p++) {
            double sum = skip(h, p) * xbcs[xAt + p];
            for (int n = 0; n < nDim; n++) {
                int i = p * nDim + n;
                state[i] = decay * state[i] + step * xbcs[xAt + p] * xbcs[bAt + n];
                sum += state[i] * xbcs[cAt + n];
            }
            ys[yAt(row, h) + p] = (float) sum;
        }
    }

    void backward(SsdScan.Gradients out, Storage dy, Storage dFinalState) {
        Gradient gradient = new Gradient(dy, s);
        float[] initials = floatsOrNull(initial);
        float[] dFinals = floatsOrNull(dFinalState);
        float[] dInitials = floatsOrNull(out.dInitialState());
        float[] dDts = floats(out.dDt());
        double[] states = new double[(s.length() + 1) * stateSize]; // S_0 (initial) .. S_L
        double[] dState = new double[stateSize];
        for (int b = 0; b < s.batch(); b++) {
            for (int h = 0; h < s.heads(); h++) {
                load(states, initials, stateAt(b, h), stateSize);
                fillStates(states, b, h);
                load(dState, dFinals, stateAt(b, h), stateSize);
                for (int t = s.length() - 1; t >= 0; t--) {
                    int row = b * s.length() + t;
                    dDts[row * s.heads() + h] =
                            (float) elementBackward(row, h, states, t * stateSize, dState, gradient);
                }
                store(dInitials, stateAt(b, h), dState, stateSize);
            }
        }
        gradient.storeSums(out, s);
    }

    /** All states of a head of a sequence from the first, which is there. */
    private void fillStates(double[] states, int b, int h) {
        for (int t = 0; t < s.length(); t++) {
            int row = b * s.length() + t;
            int xAt = xAt(row, h);
            int bAt = bAt(row, h);
            double step = step(row, h);
            double decay = Math.exp(step * a(h));
            for (int i = 0; i < stateSize; i++) {
                states[(t + 1) * stateSize + i] =
                        decay * states[t * stateSize + i] + step * xbcs[xAt + i / nDim] * xbcs[bAt + i % nDim];
            }
        }
    }

    /**
     * Takes the gradient of the state from after an element to before it.
     *
     * @param states of the sequence; {@code before} is where the state before the element lies
     * @param dState Modified
     * @return gradient of the raw step
     */
    private double elementBackward(
            int row, int h, double[] states, int before, double[] dState, Gradient gradient) {
        int xAt = xAt(row, h);
        int yAt = yAt(row, h);
        int bAt = bAt(row, h);
        int cAt = cAt(row, h);
        double a = a(h);
        double step = step(row, h);
        double decay = Math.exp(step * a);
        double dStep = 0;
        double dDecay = 0;
        for (int p = 0; p < pDim; p++) {
            double dyp = gradient.dys[yAt + p];
            double xp = xbcs[xAt + p];
            double dInput = 0; // of step * x
            for (int n = 0; n < nDim; n++) {
                int i = p * nDim + n;
                dState[i] += dyp * xbcs[cAt + n];
                gradient.xbc[cAt + n] += dyp * states[before + stateSize + i];
                gradient.xbc[bAt + n] += dState[i] * step * xp;
                dInput += dState[i] * xbcs[bAt + n];
                dDecay += dState[i] * states[before + i];
                dState[i] *= decay;
            }
            gradient.xbc[xAt + p] = dInput * step + dyp * skip(h, p);
            dStep += dInput * xp;
            gradient.skip[h * pDim + p] += dyp * xp;
        }
        dStep += dDecay * decay * a;
        gradient.aLog[h] += dDecay * decay * step * a; // dA / d(aLog) = A
        double dRaw = dStep * stepDerivative(row, h);
        gradient.dtBias[h] += dRaw;
        return dRaw;
    }

    /** The outputs' gradient, and sums of those that several heads, elements or sequences add to. */
    private static final class Gradient {
        final float[] dys;
        final double[] xbc;
        final double[] dtBias;
        final double[] aLog;
        final double[] skip; // (H, P)

        Gradient(Storage dy, SsdShape s) {
            this.dys = floats(dy);
            this.xbc = new double[s.batch() * s.length() * s.xbcDim()];
            this.dtBias = new double[s.heads()];
            this.aLog = new double[s.heads()];
            this.skip = new double[s.innerDim()];
        }

        void storeSums(SsdScan.Gradients out, SsdShape s) {
            store(floats(out.dXbc()), 0, xbc, xbc.length);
            store(floats(out.dDtBias()), 0, dtBias, s.heads());
            store(floats(out.dALog()), 0, aLog, s.heads());
            if (out.dD() == null) {
                return;
            }
            if (!s.perChannelD()) {
                for (int h = 0; h < s.heads(); h++) {
                    skip[h] = Arrays.stream(skip, h * s.headDim(), (h + 1) * s.headDim()).sum();
                }
            }
            store(floats(out.dD()), 0, skip, s.perChannelD() ? s.innerDim() : s.heads());
        }
    }

    private int stateAt(int b, int h) {
        return (b * s.heads() + h) * stateSize;
    }

    private int xAt(int row, int h) {
        return row * s.xbcDim() + h * pDim;
    }

    private int yAt(int row, int h) {
        return row * s.innerDim() + h * pDim;
    }

    private int bAt(int row, int h) {
        return row * s.xbcDim() + s.bOffset(h);
    }

    private int cAt(int row, int h) {
        return bAt(row, h) + s.groups() * nDim;
    }

    private double a(int h) {
        return -Math.exp(aLogs[h]);
    }

    private double skip(int h, int p) {
        return ds == null ? 0 : ds[s.perChannelD() ? h * pDim + p : h];
    }

    private double step(int row, int h) {
        return Math.min(Math.max(softplus(raw(row, h)), s.dtMin()), s.dtMax());
    }

    /** Zero where a limit holds the step. */
    private double stepDerivative(int row, int h) {
        double step = softplus(raw(row, h));
        return step < s.dtMin() || step > s.dtMax() ? 0 : softplusDerivative(raw(row, h));
    }

    /** In double: a sum in F32 would round. */
    private double raw(int row, int h) {
        return (double) dts[row * s.heads() + h] + dtBiases[h];
    }
}
