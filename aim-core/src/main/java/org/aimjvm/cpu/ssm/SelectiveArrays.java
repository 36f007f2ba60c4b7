package org.aimjvm.cpu.ssm;

import static org.aimjvm.cpu.memory.HeapStorage.floats;
import static org.aimjvm.cpu.memory.HeapStorage.floatsOrNull;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.aimjvm.backend.SelectiveScan;
import org.aimjvm.backend.SelectiveShape;
import org.aimjvm.cpu.simd.Simd;

/**
 * {@link SelectiveScan.Inputs} as arrays, which are unwrapped once for a call; and what loads of them a vector of
 * channels at a time.
 *
 * @param x (batch, L, channels)
 * @param delta (batch, L, channels)
 * @param deltaBias (channels), or {@code null}
 * @param aLog (channels, N)
 * @param b (batch, L, N)
 * @param c (batch, L, N)
 * @param d (channels), or {@code null}
 * @param initial (batch, channels, N), or {@code null}
 */
record SelectiveArrays(
        float[] x, float[] delta, float[] deltaBias, float[] aLog, float[] b, float[] c, float[] d, float[] initial,
        SelectiveShape s) {
    private static final int LANES = Simd.LANES;

    static SelectiveArrays of(SelectiveScan.Inputs in, SelectiveShape s) {
        return new SelectiveArrays(
                floats(in.x()), floats(in.delta()), floatsOrNull(in.deltaBias()), floats(in.aLog()), floats(in.b()),
                floats(in.c()), floatsOrNull(in.d()), floatsOrNull(in.initialState()), s);
    }

    /** D of a vector of channels. */
    FloatVector skip(int channel, VectorMask<Float> mask) {
        return d == null ? FloatVector.zero(Simd.F) : FloatVector.fromArray(Simd.F, d, channel, mask);
    }

    /** Steps before softplus of a vector of channels through a sequence, (L, lanes). */
    void fillRaw(float[] raws, int sequence, int channel, VectorMask<Float> mask) {
        FloatVector bias = deltaBias == null
                ? FloatVector.zero(Simd.F)
                : FloatVector.fromArray(Simd.F, deltaBias, channel, mask);
        int length = s.length();
        int channels = s.channels();
        for (int t = 0; t < length; t++) {
            FloatVector.fromArray(Simd.F, delta, (sequence * length + t) * channels + channel, mask)
                    .add(bias)
                    .intoArray(raws, t * LANES);
        }
    }

    /** A of a vector of channels, (N, lanes), from that of all, (N, channels). */
    void fillRates(float[] rates, float[] aT, int channel, VectorMask<Float> mask) {
        for (int n = 0; n < s.dState(); n++) {
            FloatVector.fromArray(Simd.F, aT, n * s.channels() + channel, mask).intoArray(rates, n * LANES);
        }
    }

    /**
     * The first state of {@code states}, that of a vector of channels, (N, lanes), from (batch, channels, N); zeros
     * without.
     */
    void loadState(float[] states, float[] from, int sequence, int channel) {
        int nDim = s.dState();
        for (int lane = 0; lane < LANES; lane++) {
            boolean there = from != null && channel + lane < s.channels();
            int at = (sequence * s.channels() + channel + lane) * nDim;
            for (int n = 0; n < nDim; n++) {
                states[n * LANES + lane] = there ? from[at + n] : 0f;
            }
        }
    }

    /** The reverse of {@link #loadState}; nothing if {@code to} is {@code null}. */
    void storeState(float[] to, float[] state, int sequence, int channel) {
        int nDim = s.dState();
        for (int lane = 0; to != null && lane < Math.min(LANES, s.channels() - channel); lane++) {
            int at = (sequence * s.channels() + channel + lane) * nDim;
            for (int n = 0; n < nDim; n++) {
                to[at + n] = state[n * LANES + lane];
            }
        }
    }
}
