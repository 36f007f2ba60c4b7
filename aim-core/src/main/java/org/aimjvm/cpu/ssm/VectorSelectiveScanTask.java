package org.aimjvm.cpu.ssm;

import static org.aimjvm.cpu.simd.Simd.LANES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.aimjvm.cpu.memory.Workspace;
import org.aimjvm.cpu.simd.Lanes;
import org.aimjvm.cpu.simd.Simd;
import org.aimjvm.cpu.simd.VectorMath;
import org.aimjvm.cpu.ssm.VectorSelectiveScan.Inputs;
import org.aimjvm.cpu.ssm.VectorSelectiveScan.Outputs;
import org.aimjvm.cpu.ssm.VectorSelectiveScan.Sums;

/** Gradient of the selective scan for one sequence and one block of channels. */
final class VectorSelectiveScanTask {
    private final Inputs in;
    private final Outputs out;
    private final float[] dys;
    private final float[] dFinals;
    private final Sums sums;
    private final int b;
    private final int block;
    /** States of a vector of channels before each element and after the last, (L + 1, N, lanes). */
    private final float[] states;

    /** (L, N, lanes). */
    private final float[] decays;

    /** Gradient of the state, (N, lanes). */
    private final float[] dState;

    /** Gradient of the decay rate times the step, summed over the sequence, (N, lanes). */
    private final float[] dRate;

    /** Gradients of B and C by lane, (L, N, lanes): lanes are added up once, for all channels of the block. */
    private final float[] dB;

    private final float[] dC;

    /** (L, lanes). */
    private final float[] raws;

    /** (L, lanes). */
    private final float[] steps;

    /** Derivatives of the steps with respect to their raw values, (L, lanes). */
    private final float[] slopes;

    /** A of a vector of channels, (N, lanes). */
    private final float[] rates;

    private final float[] dBias = new float[LANES];
    private final float[] dSkip = new float[LANES];

    VectorSelectiveScanTask(
            Inputs in, Outputs out, float[] dys, float[] dFinals, Sums sums, int b, int block, Workspace workspace) {
        this.in = in;
        this.out = out;
        this.dys = dys;
        this.dFinals = dFinals;
        this.sums = sums;
        this.b = b;
        this.block = block;
        int size = in.dState() * LANES;
        this.states = workspace.floats(0, (in.length() + 1) * size);
        this.decays = workspace.floats(1, in.length() * size);
        this.dState = workspace.floats(2, size);
        this.dRate = workspace.floats(3, size);
        this.dB = workspace.floats(4, in.length() * size);
        this.dC = workspace.floats(5, in.length() * size);
        this.raws = workspace.floats(9, in.length() * LANES);
        this.steps = workspace.floats(6, in.length() * LANES);
        this.slopes = workspace.floats(7, in.length() * LANES);
        this.rates = workspace.floats(8, size);
    }

    void run(int endChannel, int channelsPerTask) {
        int nDim = in.dState();
        Arrays.fill(dB, 0, in.length() * nDim * LANES, 0f);
        Arrays.fill(dC, 0, in.length() * nDim * LANES, 0f);
        for (int channel = block * channelsPerTask; channel < endChannel; channel += LANES) {
            VectorMask<Float> mask = Simd.F.indexInRange(channel, in.channels());
            in.fillRates(rates, channel, mask);
            in.fillRaw(raws, b, channel, mask);
            VectorMath.sigmoid(slopes, 0, raws, 0, in.length() * LANES);
            VectorMath.softplus(steps, 0, raws, 0, in.length() * LANES);
            recomputeStates(channel, mask);
            VectorSelectiveScan.loadState(dState, 0, dFinals, in, b, channel);
            Arrays.fill(dRate, 0, nDim * LANES, 0f);
            Arrays.fill(dBias, 0f);
            Arrays.fill(dSkip, 0f);
            for (int t = in.length() - 1; t >= 0; t--) {
                elementBackward(t, channel, mask);
            }
            VectorSelectiveScan.storeState(out.dInitial(), dState, in, b, channel);
            store(dBias, sums.deltaBias(), channel, mask);
            store(dSkip, sums.d(), channel, mask);
            for (int i = 0; i < nDim * LANES; i++) {
                dRate[i] *= rates[i]; // dA / d(aLog) = A
            }
            VectorSelectiveScan.storeState(sums.aLog(), dRate, in, b, channel);
        }
        int perBlock = in.batch() * in.length() * nDim;
        for (int i = 0; i < in.length() * nDim; i++) {
            int at = block * perBlock + b * in.length() * nDim + i;
            sums.b()[at] = Lanes.sum(FloatVector.fromArray(Simd.F, dB, i * LANES));
            sums.c()[at] = Lanes.sum(FloatVector.fromArray(Simd.F, dC, i * LANES));
        }
    }

    private void store(float[] lanes, float[] perChannel, int channel, VectorMask<Float> mask) {
        FloatVector.fromArray(Simd.F, lanes, 0).intoArray(perChannel, b * in.channels() + channel, mask);
    }

    private void elementBackward(int t, int channel, VectorMask<Float> mask) {
        int nDim = in.dState();
        int row = b * in.length() + t;
        int at = row * in.channels() + channel;
        FloatVector x = FloatVector.fromArray(Simd.F, in.x(), at, mask);
        FloatVector dy = FloatVector.fromArray(Simd.F, dys, at, mask);
        FloatVector step = FloatVector.fromArray(Simd.F, steps, t * LANES);
        FloatVector input = step.mul(x);
        FloatVector dInput = FloatVector.zero(Simd.F);
        FloatVector dStep = FloatVector.zero(Simd.F);
        for (int n = 0; n < nDim; n++) {
            int rowN = row * nDim + n;
            int lanesAt = (t * nDim + n) * LANES;
            FloatVector before = FloatVector.fromArray(Simd.F, states, lanesAt);
            FloatVector after = FloatVector.fromArray(Simd.F, states, lanesAt + nDim * LANES);
            FloatVector dS = dy.fma(
                    FloatVector.broadcast(Simd.F, in.c()[rowN]), FloatVector.fromArray(Simd.F, dState, n * LANES));
            dy.fma(after, FloatVector.fromArray(Simd.F, dC, lanesAt)).intoArray(dC, lanesAt);
            dS.fma(input, FloatVector.fromArray(Simd.F, dB, lanesAt)).intoArray(dB, lanesAt);
            dInput = dS.fma(FloatVector.broadcast(Simd.F, in.b()[rowN]), dInput);
            FloatVector dBefore = dS.mul(FloatVector.fromArray(Simd.F, decays, lanesAt));
            FloatVector dExponent = dBefore.mul(before);
            dStep = dExponent.fma(FloatVector.fromArray(Simd.F, rates, n * LANES), dStep);
            dExponent.fma(step, FloatVector.fromArray(Simd.F, dRate, n * LANES)).intoArray(dRate, n * LANES);
            dBefore.intoArray(dState, n * LANES);
        }
        FloatVector dRaw = dInput.fma(x, dStep).mul(FloatVector.fromArray(Simd.F, slopes, t * LANES));
        dRaw.add(FloatVector.fromArray(Simd.F, dBias, 0)).intoArray(dBias, 0);
        dy.fma(x, FloatVector.fromArray(Simd.F, dSkip, 0)).intoArray(dSkip, 0);
        if (out.dX() != null) {
            dInput.fma(step, in.skip(channel, mask).mul(dy)).intoArray(out.dX(), at, mask);
        }
        if (out.dDelta() != null) {
            dRaw.intoArray(out.dDelta(), at, mask);
        }
    }

    private void recomputeStates(int channel, VectorMask<Float> mask) {
        int nDim = in.dState();
        VectorSelectiveScan.loadState(states, 0, in.initial(), in, b, channel);
        for (int t = 0; t < in.length(); t++) {
            int row = b * in.length() + t;
            int at = row * in.channels() + channel;
            FloatVector step = FloatVector.fromArray(Simd.F, steps, t * LANES);
            FloatVector input = step.mul(FloatVector.fromArray(Simd.F, in.x(), at, mask));
            VectorSelectiveScan.fillDecays(decays, t * nDim * LANES, rates, step, nDim);
            for (int n = 0; n < nDim; n++) {
                int lanesAt = (t * nDim + n) * LANES;
                FloatVector.fromArray(Simd.F, decays, lanesAt)
                        .fma(FloatVector.fromArray(Simd.F, states, lanesAt), input.mul(in.b()[row * nDim + n]))
                        .intoArray(states, lanesAt + nDim * LANES);
            }
        }
    }
}
