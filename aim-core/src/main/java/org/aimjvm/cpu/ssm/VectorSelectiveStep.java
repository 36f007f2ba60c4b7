package org.aimjvm.cpu.ssm;

import jdk.incubator.vector.FloatVector;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.simd.Lanes;
import org.aimjvm.cpu.simd.Simd;
import org.aimjvm.cpu.simd.VectorMath;

/**
 * One element of Mamba-1's selective scan, in the order in which the state lies in memory: (channels, N), like A.
 * Blocks of channels compute their decays as one array, then go through the state once, contracting with C what they
 * write.
 *
 * <p>Everything is computed from the arrays when {@link #run}'s pieces run, also A from its logarithm.
 */
final class VectorSelectiveStep {
    private static final int LANES = Simd.LANES;
    /** Elements of state of a block: its decays stay in the first-level cache. */
    private static final int BLOCK = 2048;

    private final SelectiveArrays in;
    private final float[] ys;
    private final float[] finals; // null: not wanted
    private final int channels;
    private final int dState;

    /** Working memory of a block of channels. */
    static final class Buffers {
        float[] raws; // (channels)
        float[] steps; // (channels)
        float[] decays; // (channels, N)

        void fit(int channels, int dState) {
            raws = SsmScratch.grown(raws, channels);
            steps = SsmScratch.grown(steps, channels);
            decays = SsmScratch.grown(decays, channels * dState);
        }
    }

    /** @param in of length 1 */
    VectorSelectiveStep(SelectiveArrays in, float[] ys, float[] finals) {
        this.in = in;
        this.ys = ys;
        this.finals = finals;
        this.channels = in.s().channels();
        this.dState = in.s().dState();
    }

    void run(Parallel parallel, ThreadLocal<SsmScratch> scratch) {
        int width = Math.max(1, BLOCK / dState);
        int blocks = (channels + width - 1) / width;
        parallel.forRange(in.s().batch() * blocks, 1, (from, to) -> {
            for (int i = from; i < to; i++) {
                int first = i % blocks * width;
                block(i / blocks, first, Math.min(channels, first + width), scratch.get().selectiveStep);
            }
        });
    }

    private void block(int b, int first, int end, Buffers m) {
        int count = end - first;
        m.fit(count, dState);
        float[] raws = m.raws;
        float[] steps = m.steps;
        float[] decays = m.decays;
        float[] biases = in.deltaBias();
        float[] skips = in.d();
        for (int c = 0; c < count; c++) {
            raws[c] = in.delta()[b * channels + first + c] + (biases == null ? 0f : biases[first + c]);
        }
        VectorMath.softplus(steps, 0, raws, 0, count);
        System.arraycopy(in.aLog(), first * dState, decays, 0, count * dState);
        VectorMath.exp(decays, 0, count * dState);
        for (int c = 0; c < count; c++) {
            scale(decays, c * dState, -steps[c], dState);
        }
        VectorMath.exp(decays, 0, count * dState);
        for (int c = 0; c < count; c++) {
            int at = b * channels + first + c;
            float x = in.x()[at];
            float y = channel(at * dState, decays, c * dState, b * dState, steps[c] * x);
            ys[at] = skips == null ? y : Math.fma(skips[first + c], x, y);
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
    private float channel(int at, float[] decays, int decayAt, int bcAt, float input) {
        float[] bs = in.b();
        float[] cs = in.c();
        float[] initials = in.initial();
        float[] finals = this.finals;
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
