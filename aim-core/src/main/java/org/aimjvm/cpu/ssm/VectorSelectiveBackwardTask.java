package org.aimjvm.cpu.ssm;

import static org.aimjvm.cpu.simd.Simd.LANES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.aimjvm.backend.SelectiveShape;
import org.aimjvm.cpu.simd.Lanes;
import org.aimjvm.cpu.simd.Simd;
import org.aimjvm.cpu.simd.VectorMath;

/** Gradient of the selective scan for one task: a sequence and one block of channels. */
final class VectorSelectiveBackwardTask {
    private final VectorSelectiveScanBackward call;
    private final SelectiveArrays in;
    private final SelectiveShape s;
    private final int b;
    private final int block;
    private final int nDim;
    private final Buffers m;

    /** Working memory of a task; all but the gradients of B and C are of a vector of channels. */
    static final class Buffers {
        float[] dB; // (L, N, lanes): lanes are added up once, for all channels of the block
        float[] dC; // (L, N, lanes)
        float[] states; // (L + 1, N, lanes): before each element and after the last
        float[] decays; // (L, N, lanes)
        float[] raws; // (L, lanes)
        float[] steps; // (L, lanes)
        float[] slopes; // (L, lanes): derivatives of the steps with respect to their raw values
        float[] rates; // (N, lanes): A
        float[] dState; // (N, lanes)
        float[] dRate; // (N, lanes): gradient of A
        final float[] dBias = new float[LANES];
        final float[] dSkip = new float[LANES];

        void fit(SelectiveShape s) {
            int state = s.dState() * LANES;
            dB = SsmScratch.grown(dB, s.length() * state);
            dC = SsmScratch.grown(dC, s.length() * state);
            states = SsmScratch.grown(states, (s.length() + 1) * state);
            decays = SsmScratch.grown(decays, s.length() * state);
            raws = SsmScratch.grown(raws, s.length() * LANES);
            steps = SsmScratch.grown(steps, s.length() * LANES);
            slopes = SsmScratch.grown(slopes, s.length() * LANES);
            rates = SsmScratch.grown(rates, state);
            dState = SsmScratch.grown(dState, state);
            dRate = SsmScratch.grown(dRate, state);
        }
    }

    VectorSelectiveBackwardTask(VectorSelectiveScanBackward call, int b, int block, Buffers m) {
        this.call = call;
        this.in = call.in;
        this.s = call.s;
        this.b = b;
        this.block = block;
        this.nDim = s.dState();
        this.m = m;
        m.fit(s);
    }

    void run() {
        int length = s.length();
        int first = block * VectorSelectiveScanBackward.CHANNELS_PER_TASK;
        int end = Math.min(s.channels(), first + VectorSelectiveScanBackward.CHANNELS_PER_TASK);
        Arrays.fill(m.dB, 0, length * nDim * LANES, 0f);
        Arrays.fill(m.dC, 0, length * nDim * LANES, 0f);
        for (int channel = first; channel < end; channel += LANES) {
            channels(channel, Simd.F.indexInRange(channel, s.channels()));
        }
        int at = (block * s.rows() + b * length) * nDim;
        for (int i = 0; i < length * nDim; i++) {
            call.sums.dB[at + i] = Lanes.sum(FloatVector.fromArray(Simd.F, m.dB, i * LANES));
            call.sums.dC[at + i] = Lanes.sum(FloatVector.fromArray(Simd.F, m.dC, i * LANES));
        }
    }

    /** A vector of channels. */
    private void channels(int channel, VectorMask<Float> mask) {
        int length = s.length();
        in.fillRates(m.rates, call.aT, channel, mask);
        in.fillRaw(m.raws, b, channel, mask);
        VectorMath.sigmoid(m.slopes, 0, m.raws, 0, length * LANES);
        VectorMath.softplus(m.steps, 0, m.raws, 0, length * LANES);
        recomputeStates(channel, mask);
        in.loadState(m.dState, call.dFinals, b, channel);
        Arrays.fill(m.dRate, 0, nDim * LANES, 0f);
        Arrays.fill(m.dBias, 0f);
        Arrays.fill(m.dSkip, 0f);
        for (int t = length - 1; t >= 0; t--) {
            elementBackward(t, channel, mask);
        }
        in.storeState(call.dInitials, m.dState, b, channel);
        store(m.dBias, call.sums.dDeltaBias, channel, mask);
        store(m.dSkip, call.sums.dSkip, channel, mask);
        for (int i = 0; i < nDim * LANES; i++) {
            m.dRate[i] *= m.rates[i]; // dA / d(aLog) = A
        }
        in.storeState(call.sums.dALog, m.dRate, b, channel);
    }

    private void store(float[] lanes, float[] perChannel, int channel, VectorMask<Float> mask) {
        FloatVector.fromArray(Simd.F, lanes, 0).intoArray(perChannel, b * s.channels() + channel, mask);
    }

    private void elementBackward(int t, int channel, VectorMask<Float> mask) {
        int row = b * s.length() + t;
        int at = row * s.channels() + channel;
        FloatVector x = FloatVector.fromArray(Simd.F, in.x(), at, mask);
        FloatVector dy = FloatVector.fromArray(Simd.F, call.dys, at, mask);
        FloatVector step = FloatVector.fromArray(Simd.F, m.steps, t * LANES);
        FloatVector input = step.mul(x);
        FloatVector dInput = FloatVector.zero(Simd.F);
        FloatVector dStep = FloatVector.zero(Simd.F);
        for (int n = 0; n < nDim; n++) {
            int rowN = row * nDim + n;
            int lanesAt = (t * nDim + n) * LANES;
            FloatVector before = FloatVector.fromArray(Simd.F, m.states, lanesAt);
            FloatVector after = FloatVector.fromArray(Simd.F, m.states, lanesAt + nDim * LANES);
            FloatVector dS = dy.fma(
                    FloatVector.broadcast(Simd.F, in.c()[rowN]), FloatVector.fromArray(Simd.F, m.dState, n * LANES));
            dy.fma(after, FloatVector.fromArray(Simd.F, m.dC, lanesAt)).intoArray(m.dC, lanesAt);
            dS.fma(input, FloatVector.fromArray(Simd.F, m.dB, lanesAt)).intoArray(m.dB, lanesAt);
            dInput = dS.fma(FloatVector.broadcast(Simd.F, in.b()[rowN]), dInput);
            FloatVector dBefore = dS.mul(FloatVector.fromArray(Simd.F, m.decays, lanesAt));
            FloatVector dExponent = dBefore.mul(before);
            dStep = dExponent.fma(FloatVector.fromArray(Simd.F, m.rates, n * LANES), dStep);
            dExponent.fma(step, FloatVector.fromArray(Simd.F, m.dRate, n * LANES)).intoArray(m.dRate, n * LANES);
            dBefore.intoArray(m.dState, n * LANES);
        }
        FloatVector dRaw = dInput.fma(x, dStep).mul(FloatVector.fromArray(Simd.F, m.slopes, t * LANES));
        dRaw.add(FloatVector.fromArray(Simd.F, m.dBias, 0)).intoArray(m.dBias, 0);
        dy.fma(x, FloatVector.fromArray(Simd.F, m.dSkip, 0)).intoArray(m.dSkip, 0);
        if (call.dXs != null) {
            dInput.fma(step, in.skip(channel, mask).mul(dy)).intoArray(call.dXs, at, mask);
        }
        if (call.dDeltas != null) {
            dRaw.intoArray(call.dDeltas, at, mask);
        }
    }

    private void recomputeStates(int channel, VectorMask<Float> mask) {
        in.loadState(m.states, in.initial(), b, channel);
        for (int t = 0; t < s.length(); t++) {
            int row = b * s.length() + t;
            int at = row * s.channels() + channel;
            FloatVector step = FloatVector.fromArray(Simd.F, m.steps, t * LANES);
            FloatVector input = step.mul(FloatVector.fromArray(Simd.F, in.x(), at, mask));
            VectorSelectiveScan.fillDecays(m.decays, t * nDim * LANES, m.rates, step, nDim);
            for (int n = 0; n < nDim; n++) {
                int lanesAt = (t * nDim + n) * LANES;
                FloatVector.fromArray(Simd.F, m.decays, lanesAt)
                        .fma(FloatVector.fromArray(Simd.F, m.states, lanesAt), input.mul(in.b()[row * nDim + n]))
                        .intoArray(m.states, lanesAt + nDim * LANES);
            }
        }
    }
}
