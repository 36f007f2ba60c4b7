package org.aimjvm.cpu.ssm;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.aimjvm.backend.SelectiveShape;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.simd.Simd;
import org.aimjvm.cpu.simd.VectorMath;
import org.aimjvm.cpu.simd.VectorTranspose;

/**
 * Mamba-1's selective scan with lanes over channels: a vector of channels goes through the whole sequence with its
 * states in the first cache. Every channel's arithmetic is the same whatever its lane and wherever a sequence is cut,
 * so a sequence in parts has the bits of the whole.
 */
final class VectorSelectiveScan {
    private static final int LANES = Simd.LANES;
    private static final int VECTORS_PER_PIECE = 4;

    private final SelectiveArrays in;
    private final SelectiveShape s;
    private final float[] ys;
    private final float[] finals; // null: not wanted
    private final float[] aT; // (N, channels)

    /** Working memory: A of a call, kept by the thread that makes it; the others are of a vector of channels. */
    static final class Buffers {
        float[] aT; // (N, channels): A
        float[] rates; // (N, lanes): A
        float[] state; // (N, lanes)
        float[] decays; // (N, lanes): of one element
        float[] raws; // (L, lanes)
        float[] steps; // (L, lanes)

        void fit(SelectiveShape s) {
            rates = SsmScratch.grown(rates, s.dState() * LANES);
            state = SsmScratch.grown(state, s.dState() * LANES);
            decays = SsmScratch.grown(decays, s.dState() * LANES);
            raws = SsmScratch.grown(raws, s.length() * LANES);
            steps = SsmScratch.grown(steps, s.length() * LANES);
        }

        /** {@link #aT}, filled: {@code -exp(aLog)}, transposed. */
        float[] transposedA(SelectiveArrays in) {
            int channels = in.s().channels();
            int dState = in.s().dState();
            aT = SsmScratch.grown(aT, channels * dState);
            VectorTranspose.transpose(aT, 0, channels, in.aLog(), 0, dState, channels, dState);
            VectorMath.exp(aT, 0, channels * dState);
            for (int i = 0; i < channels * dState; i++) {
                aT[i] = -aT[i];
            }
            return aT;
        }
    }

    VectorSelectiveScan(SelectiveArrays in, float[] ys, float[] finals, Buffers own) {
        this.in = in;
        this.s = in.s();
        this.ys = ys;
        this.finals = finals;
        this.aT = own.transposedA(in);
    }

    void run(Parallel parallel, ThreadLocal<SsmScratch> scratch) {
        int vectors = (s.channels() + LANES - 1) / LANES;
        parallel.forRange(s.batch() * vectors, VECTORS_PER_PIECE, (from, to) -> {
            for (int i = from; i < to; i++) {
                channels(i / vectors, i % vectors * LANES, scratch.get().selective);
            }
        });
    }

    /** A vector of channels of a sequence. */
    private void channels(int b, int channel, Buffers m) {
        m.fit(s);
        int length = s.length();
        int nDim = s.dState();
        VectorMask<Float> mask = Simd.F.indexInRange(channel, s.channels());
        float[] state = m.state;
        float[] decays = m.decays;
        in.loadState(state, in.initial(), b, channel);
        in.fillRates(m.rates, aT, channel, mask);
        in.fillRaw(m.raws, b, channel, mask);
        VectorMath.softplus(m.steps, 0, m.raws, 0, length * LANES);
        FloatVector skip = in.skip(channel, mask);
        for (int t = 0; t < length; t++) {
            int row = b * length + t;
            int at = row * s.channels() + channel;
            FloatVector x = FloatVector.fromArray(Simd.F, in.x(), at, mask);
            FloatVector step = FloatVector.fromArray(Simd.F, m.steps, t * LANES);
            fillDecays(decays, 0, m.rates, step, nDim);
            FloatVector input = step.mul(x);
            FloatVector y = skip.mul(x);
            for (int n = 0; n < nDim; n++) {
                FloatVector next = FloatVector.fromArray(Simd.F, decays, n * LANES)
                        .fma(FloatVector.fromArray(Simd.F, state, n * LANES), input.mul(in.b()[row * nDim + n]));
                next.intoArray(state, n * LANES);
                y = next.fma(FloatVector.broadcast(Simd.F, in.c()[row * nDim + n]), y);
            }
            y.intoArray(ys, at, mask);
        }
        in.storeState(finals, state, b, channel);
    }

    /** {@code e^(step A)} of a vector of channels, (N, lanes). */
    static void fillDecays(float[] decays, int at, float[] rates, FloatVector step, int dState) {
        for (int i = 0; i < dState * LANES; i += LANES) {
            step.mul(FloatVector.fromArray(Simd.F, rates, i)).intoArray(decays, at + i);
        }
        VectorMath.exp(decays, at, dState * LANES);
    }
}
