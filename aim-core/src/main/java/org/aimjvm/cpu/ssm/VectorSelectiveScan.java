package org.aimjvm.cpu.ssm;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.memory.Workspace;
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
    /** Channels of a task of the gradient, whose sums over channels are kept apart: the same at every vector width. */
    private static final int CHANNELS_PER_TASK = 128;

    /**
     * Arrays and sizes of a call.
     *
     * @param x (batch, L, channels)
     * @param delta (batch, L, channels)
     * @param deltaBias (channels), or {@code null}
     * @param aT A, (N, channels), negative
     * @param b (batch, L, N)
     * @param c (batch, L, N)
     * @param d (channels), or {@code null}
     * @param initial (batch, channels, N), or {@code null}
     */
    record Inputs(
            float[] x,
            float[] delta,
            float[] deltaBias,
            float[] aT,
            float[] b,
            float[] c,
            float[] d,
            float[] initial,
            int batch,
            int length,
            int channels,
            int dState) {

        FloatVector skip(int channel, VectorMask<Float> mask) {
            return d == null ? FloatVector.zero(Simd.F) : FloatVector.fromArray(Simd.F, d, channel, mask);
        }

        /** Steps before softplus of a vector of channels through sequence {@code s}, (L, lanes). */
        void fillRaw(float[] raws, int s, int channel, VectorMask<Float> mask) {
            FloatVector bias = deltaBias == null
                    ? FloatVector.zero(Simd.F)
                    : FloatVector.fromArray(Simd.F, deltaBias, channel, mask);
            for (int t = 0; t < length; t++) {
                FloatVector.fromArray(Simd.F, delta, (s * length + t) * channels + channel, mask)
                        .add(bias)
                        .intoArray(raws, t * LANES);
            }
        }

        /** A of a vector of channels, (N, lanes). */
        void fillRates(float[] rates, int channel, VectorMask<Float> mask) {
            for (int n = 0; n < dState; n++) {
                FloatVector.fromArray(Simd.F, aT, n * channels + channel, mask).intoArray(rates, n * LANES);
            }
        }
    }

    /** Gradients; the optional ones may be {@code null}. */
    record Outputs(
            float[] dX,
            float[] dDelta,
            float[] dDeltaBias,
            float[] dALog,
            float[] dB,
            float[] dC,
            float[] dD,
            float[] dInitial) {}

    private VectorSelectiveScan() {}

    /** A = -exp(aLog) as (N, channels). */
    static float[] transposedA(float[] aLog, int channels, int dState, Workspace partials) {
        float[] aT = partials.floats(0, channels * dState);
        VectorTranspose.transpose(aT, 0, channels, aLog, 0, dState, channels, dState);
        VectorMath.exp(aT, 0, channels * dState);
        for (int i = 0; i < channels * dState; i++) {
            aT[i] = -aT[i];
        }
        return aT;
    }

    static void forward(
            Inputs in, float[] ys, float[] finals, Parallel parallel, ThreadLocal<VectorSsdScan.Work> work) {
        int vectors = (in.channels + LANES - 1) / LANES;
        parallel.forRange(in.batch * vectors, VECTORS_PER_PIECE, (from, to) -> {
            for (int i = from; i < to; i++) {
                forward(in, ys, finals, i / vectors, i % vectors * LANES, work.get().workspace);
            }
        });
    }

    private static void forward(Inputs in, float[] ys, float[] finals, int b, int channel, Workspace workspace) {
        int nDim = in.dState;
        VectorMask<Float> mask = Simd.F.indexInRange(channel, in.channels);
        float[] state = workspace.floats(0, nDim * LANES);
        float[] raws = workspace.floats(1, in.length * LANES);
        float[] steps = workspace.floats(2, in.length * LANES);
        float[] rates = workspace.floats(3, nDim * LANES);
        float[] decays = workspace.floats(4, nDim * LANES);
        loadState(state, 0, in.initial, in, b, channel);
        in.fillRates(rates, channel, mask);
        in.fillRaw(raws, b, channel, mask);
        VectorMath.softplus(steps, 0, raws, 0, in.length * LANES);
        FloatVector skip = in.skip(channel, mask);
        for (int t = 0; t < in.length; t++) {
            int row = b * in.length + t;
            int at = row * in.channels + channel;
            FloatVector x = FloatVector.fromArray(Simd.F, in.x, at, mask);
            FloatVector step = FloatVector.fromArray(Simd.F, steps, t * LANES);
            fillDecays(decays, 0, rates, step, nDim);
            FloatVector input = step.mul(x);
            FloatVector y = skip.mul(x);
            for (int n = 0; n < nDim; n++) {
                FloatVector s = FloatVector.fromArray(Simd.F, decays, n * LANES)
                        .fma(FloatVector.fromArray(Simd.F, state, n * LANES), input.mul(in.b[row * nDim + n]));
                s.intoArray(state, n * LANES);
                y = s.fma(FloatVector.broadcast(Simd.F, in.c[row * nDim + n]), y);
            }
            y.intoArray(ys, at, mask);
        }
        storeState(finals, state, in, b, channel);
    }

    /** {@code e^(step A)} of a vector of channels, (N, lanes). */
    static void fillDecays(float[] decays, int at, float[] rates, FloatVector step, int dState) {
        for (int i = 0; i < dState * LANES; i += LANES) {
            step.mul(FloatVector.fromArray(Simd.F, rates, i)).intoArray(decays, at + i);
        }
        VectorMath.exp(decays, at, dState * LANES);
    }

    static void backward(
            Inputs in,
            Outputs out,
            float[] dys,
            float[] dFinals,
            Parallel parallel,
            Workspace partials,
            ThreadLocal<VectorSsdScan.Work> work) {
        int blocks = (in.channels + CHANNELS_PER_TASK - 1) / CHANNELS_PER_TASK;
        int rows = in.batch * in.length;
        Sums sums = new Sums(
                partials.floats(1, blocks * rows * in.dState),
                partials.floats(2, blocks * rows * in.dState),
                partials.floats(3, in.batch * in.channels * in.dState),
                partials.floats(4, in.batch * in.channels),
                partials.floats(5, in.batch * in.channels));
        parallel.forRange(in.batch * blocks, 1, (from, to) -> {
            for (int i = from; i < to; i++) {
                new VectorSelectiveScanTask(in, out, dys, dFinals, sums, i / blocks, i % blocks, work.get().workspace)
                        .run(Math.min(in.channels, (i % blocks + 1) * CHANNELS_PER_TASK), CHANNELS_PER_TASK);
            }
        });
        sum(out.dB, sums.b, blocks, rows * in.dState, parallel);
        sum(out.dC, sums.c, blocks, rows * in.dState, parallel);
        sum(out.dALog, sums.aLog, in.batch, in.channels * in.dState, parallel);
        sum(out.dDeltaBias, sums.deltaBias, in.batch, in.channels, parallel);
        sum(out.dD, sums.d, in.batch, in.channels, parallel);
    }

    /**
     * Partial sums, added up in their order in the end.
     *
     * @param b (blocks of channels, batch, L, N)
     * @param c (blocks of channels, batch, L, N)
     * @param aLog (batch, channels, N)
     * @param deltaBias (batch, channels)
     * @param d (batch, channels)
     */
    record Sums(float[] b, float[] c, float[] aLog, float[] deltaBias, float[] d) {}

    private static void sum(float[] out, float[] parts, int count, int size, Parallel parallel) {
        if (out == null) {
            return;
        }
        parallel.forRange(size, 1024, (from, to) -> {
            for (int i = from; i < to; i++) {
                double sum = 0;
                for (int k = 0; k < count; k++) {
                    sum += parts[k * size + i];
                }
                out[i] = (float) sum;
            }
        });
    }

    /** States of a vector of channels, (N, lanes), from (batch, channels, N); zeros without. */
    static void loadState(float[] state, int stateAt, float[] from, Inputs in, int b, int channel) {
        for (int lane = 0; lane < LANES; lane++) {
            boolean there = from != null && channel + lane < in.channels;
            int at = (b * in.channels + channel + lane) * in.dState;
            for (int n = 0; n < in.dState; n++) {
                state[stateAt + n * LANES + lane] = there ? from[at + n] : 0f;
            }
        }
    }

    /** The reverse of {@link #loadState}; nothing if {@code to} is {@code null}. */
    static void storeState(float[] to, float[] state, Inputs in, int b, int channel) {
        for (int lane = 0; to != null && lane < Math.min(LANES, in.channels - channel); lane++) {
            int at = (b * in.channels + channel + lane) * in.dState;
            for (int n = 0; n < in.dState; n++) {
                to[at + n] = state[n * LANES + lane];
            }
        }
    }
}
