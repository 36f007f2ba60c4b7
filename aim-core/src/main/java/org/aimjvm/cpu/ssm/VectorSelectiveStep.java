package org.aimjvm.cpu.ssm;

import jdk.incubator.vector.FloatVector;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.memory.Workspace;
import org.aimjvm.cpu.simd.Lanes;
import org.aimjvm.cpu.simd.Simd;
import org.aimjvm.cpu.simd.VectorMath;

/**
 * One element of Mamba-1's selective scan, in the order in which the state lies in memory: (channels, N), like A. Blocks of
 * channels compute their decays as one array, then go through the state once, contracting with C what they write.
 *
 * <p>Everything is computed from the arrays when {@link #run}'s pieces run, also A from its logarithm.
 */
final class VectorSelectiveStep {
    private static final int LANES = Simd.LANES;
    /** Elements of state of a block: its decays stay in the first-level cache. */
    private static final int BLOCK = 2048;

    private final float[] xs;
    private final float[] deltas;
    private final float[] biases;
    private final float[] aLogs;
    private final float[] bs;
    private final float[] cs;
    private final float[] skips;
    private final float[] initials;
    private final int channels;
    private final int dState;

    /** Arrays of {@link org.aimjvm.backend.SsmKernels#selectiveScan} with length 1; optional ones may be {@code null}. */
    VectorSelectiveStep(
            float[] xs, float[] deltas, float[] biases, float[] aLogs, float[] bs, float[] cs, float[] skips,
            float[] initials, int channels, int dState) {
        this.xs = xs;
        this.deltas = deltas;
        this.biases = biases;
        this.aLogs = aLogs;
        this.bs = bs;
        this.cs = cs;
        this.skips = skips;
        this.initials = initials;
        this.channels = channels;
        this.dState = dState;
    }

    void run(float[] ys, float[] finals, int batch, Parallel parallel, ThreadLocal<VectorSsdScan.Work> work) {
        int width = Math.max(1, BLOCK / dState);
        int blocks = (channels + width - 1) / width;
        parallel.forRange(batch * blocks, 1, (from, to) -> {
            for (int i = from; i < to; i++) {
                int first = i % blocks * width;
                block(ys, finals, i / blocks, first, Math.min(channels, first + width), work.get().workspace);
            }
        });
    }

    private void block(float[] ys, float[] finals, int b, int first, int end, Workspace workspace) {
        int count = end - first;
        float[] raws = workspace.floats(1, count);
        float[] steps = workspace.floats(2, count);
        float[] decays = workspace.floats(0, count * dState);
        for (int c = 0; c < count; c++) {
            raws[c] = deltas[b * channels + first + c] + (biases == null ? 0f : biases[first + c]);
        }
        VectorMath.softplus(steps, 0, raws, 0, count);
        System.arraycopy(aLogs, first * dState, decays, 0, count * dState);
        VectorMath.exp(decays, 0, count * dState);
        for (int c = 0; c < count; c++) {
            scale(decays, c * dState, -steps[c], dState);
        }
        VectorMath.exp(decays, 0, count * dState);
        for (int c = 0; c < count; c++) {
            int at = b * channels + first + c;
            float y = channel(finals, at * dState, decays, c * dState, b * dState, steps[c] * xs[at]);
            ys[at] = skips == null ? y : Math.fma(skips[first + c], xs[at], y);
        }
    }

    /** {@code y *= alpha}. */
    private static void scale(float[] y, int at, float alpha, int count) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector.fromArray(Simd.F, y, at + i).mul(alpha).intoArray(y, at + i);
        }
        for (; i < count; i++) {
            y[at + i] *= alpha;
        }
    }

    /** Updates the state of one channel and returns its product with C. */
    private float channel(float[] finals, int at, float[] decays, int decayAt, int bcAt, float input) {
        FloatVector sum = FloatVector.zero(Simd.F);
        int n = 0;
        for (; n <= dState - LANES; n += LANES) {
            FloatVector state = FloatVector.fromArray(Simd.F, bs, bcAt + n).mul(input);
            if (initials != null) {
                state = FloatVector.fromArray(Simd.F, decays, decayAt + n)
                        .fma(FloatVector.fromArray(Simd.F, initials, at + n), state);
            }
            if (finals != null) {
                state.intoArray(finals, at + n);
            }
            sum = state.fma(FloatVector.fromArray(Simd.F, cs, bcAt + n), sum);
        }
        float total = Lanes.sum(sum);
        for (; n < dState; n++) {
            float state = bs[bcAt + n] * input;
            if (initials != null) {
                state = Math.fma(decays[decayAt + n], initials[at + n], state);
            }
            if (finals != null) {
                finals[at + n] = state;
            }
            total = Math.fma(state, cs[bcAt + n], total);
        }
        return total;
    }
}
