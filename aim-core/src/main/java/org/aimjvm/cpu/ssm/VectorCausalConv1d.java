package org.aimjvm.cpu.ssm;

import static org.aimjvm.cpu.memory.HeapStorage.floatsOrNull;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.aimjvm.backend.CausalConv1d;
import org.aimjvm.backend.CausalConvShape;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.memory.Warmth;
import org.aimjvm.cpu.simd.Simd;
import org.aimjvm.cpu.simd.VectorMath;
import org.aimjvm.cpu.simd.VectorTranspose;

/**
 * Causal depthwise convolution with lanes over channels. Each element is one chain of fused multiply-adds from the bias
 * over the taps, oldest first, whether they come from the input or from the state; so a sequence in parts has the
 * bits of the whole.
 */
final class VectorCausalConv1d {
    private static final int LANES = Simd.LANES;
    /** The width of all published models, for which taps are fused into one loop. */
    private static final int USUAL_WIDTH = 4;

    private static final int ROWS_PER_TASK = 16;
    /** Channels of a task of the gradient: the rows in use fit the first cache. */
    private static final int CHANNELS_PER_TASK = 512;

    /** Channels of a piece of one element, a multiple of all vectors. */
    private static final int CHANNELS_PER_STEP = 256;

    private final ConvArrays in;
    private final float[] xs;
    private final float[] ws;
    private final float[] biases;
    private final int batch;
    private final int length;
    private final int channels;
    private final int width;
    private final boolean silu;

    /** Working memory of a call, kept by the thread that makes it; and of a task of the gradient. */
    static final class Buffers {
        float[] wT; // (width, channels): of a call
        float[] sums; // (batch, width + 1, channels): of a call, gradients of w and bias of each sequence
        float[] dv; // (width, channels of a task): of the last elements, that of t in row t % width

        /** {@link #wT}, filled: the taps of neighbouring channels are neighbours. */
        float[] transposedWeight(float[] ws, int channels, int width) {
            wT = SsmScratch.grown(wT, width * channels);
            VectorTranspose.transpose(wT, 0, channels, ws, 0, width, channels, width);
            return wT;
        }

        /** {@link #dv} of {@code count} channels. */
        float[] dv(int width, int count) {
            dv = SsmScratch.grown(dv, width * count);
            return dv;
        }
    }

    VectorCausalConv1d(ConvArrays in) {
        CausalConvShape s = in.s();
        this.in = in;
        this.xs = in.x();
        this.ws = in.w();
        this.biases = in.bias();
        this.silu = in.silu();
        this.batch = s.batch();
        this.length = s.length();
        this.channels = s.channels();
        this.width = s.width();
    }

    void forward(float[] ys, float[] states, Parallel parallel, ThreadLocal<SsmScratch> scratch) {
        if (length == 1 && states != null) {
            parallel.forRange(channels, CHANNELS_PER_STEP, (from, to) -> step(ys, states, from, to));
            return;
        }
        float[] wT = scratch.get().conv.transposedWeight(ws, channels, width);
        parallel.forRange(batch * length, ROWS_PER_TASK, (from, to) -> {
            for (int row = from; row < to; row++) {
                int t = row % length;
                if (states != null && t < width - 1) {
                    startRow(ys, states, row / length, t);
                } else {
                    convolve(ys, row * channels, wT, row, t, 0, channels);
                }
                if (silu) {
                    silu(ys, row * channels, channels);
                }
            }
        });
        if (states != null) {
            parallel.forRange(batch, 1, (from, to) -> {
                for (int b = from; b < to; b++) {
                    advance(states, b);
                }
            });
        }
    }

    /** One element of channels {@code [from, to)} of all sequences, with a state. */
    private void step(float[] ys, float[] states, int from, int to) {
        int vectors = width == VectorConvStep.WIDTH && !Warmth.isCold() ? Simd.F.loopBound(to - from) : 0;
        if (vectors > 0) {
            VectorConvStep.run(ys, states, in, from, from + vectors);
        }
        for (int b = 0; b < batch; b++) {
            for (int c = from + vectors; c < to; c++) {
                ys[b * channels + c] = stepChannel(states, (b * channels + c) * width, xs[b * channels + c], c);
            }
            if (silu) {
                silu(ys, b * channels + from, to - from);
            }
        }
    }

    private float stepChannel(float[] states, int at, float x, int c) {
        float v = biases == null ? 0f : biases[c];
        for (int m = 0; m < width - 1; m++) {
            v = Math.fma(ws[c * width + m], states[at + m + 1], v);
            states[at + m] = states[at + m + 1];
        }
        states[at + width - 1] = x;
        return Math.fma(ws[c * width + width - 1], x, v);
    }

    /** A row whose first taps come from the state. */
    private void startRow(float[] ys, float[] states, int b, int t) {
        int row = b * length + t;
        for (int c = 0; c < channels; c++) {
            float v = biases == null ? 0f : biases[c];
            for (int m = 0; m < width; m++) {
                int from = t - width + 1 + m;
                float x = from < 0
                        ? states[(b * channels + c) * width + width + from]
                        : xs[(b * length + from) * channels + c];
                v = Math.fma(ws[c * width + m], x, v);
            }
            ys[row * channels + c] = v;
        }
    }

    /** Leaves the last inputs of a sequence, or of the state before it, in the state. */
    private void advance(float[] states, int b) {
        int kept = Math.max(0, width - length);
        for (int c = 0; c < channels; c++) {
            int at = (b * channels + c) * width;
            System.arraycopy(states, at + width - kept, states, at, kept);
            for (int m = kept; m < width; m++) {
                states[at + m] = xs[(b * length + length - width + m) * channels + c];
            }
        }
    }

    /** {@code v = bias + taps} of channels {@code [from, to)} of a row, zeros before its sequence. */
    private void convolve(float[] v, int vAt, float[] wT, int row, int t, int from, int to) {
        int count = to - from;
        if (width == USUAL_WIDTH && t >= width - 1) {
            convolve4(v, vAt, wT, row, from, count);
            return;
        }
        if (biases == null) {
            Arrays.fill(v, vAt, vAt + count, 0f);
        } else {
            System.arraycopy(biases, from, v, vAt, count);
        }
        for (int m = Math.max(0, width - 1 - t); m < width; m++) {
            addProduct(v, vAt, wT, m * channels + from, xs, (row - width + 1 + m) * channels + from, count);
        }
    }

    private void convolve4(float[] v, int vAt, float[] wT, int row, int from, int count) {
        int x3 = row * channels + from;
        int x2 = x3 - channels;
        int x1 = x2 - channels;
        int x0 = x1 - channels;
        int w1 = channels + from;
        int w2 = channels + w1;
        int w3 = channels + w2;
        int i = 0;
        for (; i < Simd.F.loopBound(count); i += LANES) {
            FloatVector sum =
                    biases == null ? FloatVector.zero(Simd.F) : FloatVector.fromArray(Simd.F, biases, from + i);
            sum = FloatVector.fromArray(Simd.F, wT, from + i).fma(FloatVector.fromArray(Simd.F, xs, x0 + i), sum);
            sum = FloatVector.fromArray(Simd.F, wT, w1 + i).fma(FloatVector.fromArray(Simd.F, xs, x1 + i), sum);
            sum = FloatVector.fromArray(Simd.F, wT, w2 + i).fma(FloatVector.fromArray(Simd.F, xs, x2 + i), sum);
            sum = FloatVector.fromArray(Simd.F, wT, w3 + i).fma(FloatVector.fromArray(Simd.F, xs, x3 + i), sum);
            sum.intoArray(v, vAt + i);
        }
        for (; i < count; i++) {
            float sum = biases == null ? 0f : biases[from + i];
            sum = Math.fma(wT[from + i], xs[x0 + i], sum);
            sum = Math.fma(wT[w1 + i], xs[x1 + i], sum);
            sum = Math.fma(wT[w2 + i], xs[x2 + i], sum);
            v[vAt + i] = Math.fma(wT[w3 + i], xs[x3 + i], sum);
        }
    }

    /**
     * Arrays of a gradient: {@code dXs} (batch, L, channels) or {@code null}, {@code dys} as it, and of {@link
     * Buffers}.
     */
    private record Gradient(float[] dXs, float[] dys, float[] wT, float[] sums) {}

    void backward(CausalConv1d.Gradients out, float[] dys, Parallel parallel, ThreadLocal<SsmScratch> scratch) {
        float[] dWs = floatsOrNull(out.dW());
        float[] dBiases = floatsOrNull(out.dBias());
        Buffers own = scratch.get().conv;
        int sumsPerSequence = (width + 1) * channels;
        float[] sums = SsmScratch.grown(own.sums, batch * sumsPerSequence);
        own.sums = sums;
        Gradient gradient = new Gradient(
                floatsOrNull(out.dX()), dys, own.transposedWeight(ws, channels, width), sums);
        int blocks = (channels + CHANNELS_PER_TASK - 1) / CHANNELS_PER_TASK;
        parallel.forRange(batch * blocks, 1, (from, to) -> {
            for (int i = from; i < to; i++) {
                int c = i % blocks * CHANNELS_PER_TASK;
                int end = Math.min(channels, c + CHANNELS_PER_TASK);
                backward(gradient, i / blocks, c, end, scratch.get().conv.dv(width, end - c));
            }
        });
        parallel.forRange(channels, 64, (from, to) -> {
            for (int c = from; c < to; c++) {
                for (int m = 0; m <= width; m++) {
                    double sum = 0;
                    for (int b = 0; b < batch; b++) {
                        sum += sums[b * sumsPerSequence + m * channels + c];
                    }
                    if (m < width && dWs != null) {
                        dWs[c * width + m] = (float) sum;
                    } else if (m == width && dBiases != null) {
                        dBiases[c] = (float) sum;
                    }
                }
            }
        });
    }

    private void backward(Gradient gradient, int b, int from, int to, float[] dv) {
        int count = to - from;
        float[] dys = gradient.dys;
        float[] dXs = gradient.dXs;
        float[] wT = gradient.wT;
        float[] sums = gradient.sums;
        int sumAt = b * (width + 1) * channels + from;
        for (int m = 0; m <= width; m++) {
            Arrays.fill(sums, sumAt + m * channels, sumAt + m * channels + count, 0f);
        }
        for (int t = 0; t < length; t++) {
            int row = b * length + t;
            int dvAt = t % width * count;
            if (silu) {
                convolve(dv, dvAt, wT, row, t, from, to);
                siluBackward(dv, dvAt, dys, row * channels + from, count);
            } else {
                System.arraycopy(dys, row * channels + from, dv, dvAt, count);
            }
            add(sums, sumAt + width * channels, dv, dvAt, count);
            if (width == USUAL_WIDTH && t >= width - 1) {
                addTaps4(sums, sumAt, dv, dvAt, row * channels + from, count);
            } else {
                for (int m = Math.max(0, width - 1 - t); m < width; m++) {
                    addProduct(sums, sumAt + m * channels, dv, dvAt, xs, (row - width + 1 + m) * channels + from,
                            count);
                }
            }
            if (dXs != null && t >= width - 1) {
                inputGradient(dXs, dv, wT, b, t - width + 1, from, count);
            }
        }
        for (int t = Math.max(0, length - width + 1); t < length && dXs != null; t++) {
            inputGradient(dXs, dv, wT, b, t, from, count);
        }
    }

    /** {@code dx_t = sum over m of w_m dv_{t + width - 1 - m}}, as far as the sequence goes. */
    private void inputGradient(float[] dXs, float[] dv, float[] wT, int b, int t, int from, int count) {
        int dxAt = (b * length + t) * channels + from;
        if (width == USUAL_WIDTH && t + width <= length) {
            inputGradient4(dXs, dxAt, dv, wT, t, from, count);
            return;
        }
        Arrays.fill(dXs, dxAt, dxAt + count, 0f);
        for (int m = Math.max(0, t + width - length); m < width; m++) {
            addProduct(dXs, dxAt, wT, m * channels + from, dv, (t + width - 1 - m) % width * count, count);
        }
    }

    private void inputGradient4(float[] dXs, int dxAt, float[] dv, float[] wT, int t, int from, int count) {
        int v0 = (t + 3) % 4 * count;
        int v1 = (t + 2) % 4 * count;
        int v2 = (t + 1) % 4 * count;
        int v3 = t % 4 * count;
        int w1 = channels + from;
        int w2 = channels + w1;
        int w3 = channels + w2;
        int i = 0;
        for (; i < Simd.F.loopBound(count); i += LANES) {
            FloatVector sum =
                    FloatVector.fromArray(Simd.F, wT, from + i).mul(FloatVector.fromArray(Simd.F, dv, v0 + i));
            sum = FloatVector.fromArray(Simd.F, wT, w1 + i).fma(FloatVector.fromArray(Simd.F, dv, v1 + i), sum);
            sum = FloatVector.fromArray(Simd.F, wT, w2 + i).fma(FloatVector.fromArray(Simd.F, dv, v2 + i), sum);
            sum = FloatVector.fromArray(Simd.F, wT, w3 + i).fma(FloatVector.fromArray(Simd.F, dv, v3 + i), sum);
            sum.intoArray(dXs, dxAt + i);
        }
        for (; i < count; i++) {
            float sum = wT[from + i] * dv[v0 + i];
            sum = Math.fma(wT[w1 + i], dv[v1 + i], sum);
            sum = Math.fma(wT[w2 + i], dv[v2 + i], sum);
            dXs[dxAt + i] = Math.fma(wT[w3 + i], dv[v3 + i], sum);
        }
    }

    /** Adds the products of one row's gradient with the four inputs that it saw. */
    private void addTaps4(float[] sums, int sumAt, float[] dv, int dvAt, int xAt, int count) {
        int s1 = sumAt + channels;
        int s2 = s1 + channels;
        int s3 = s2 + channels;
        int x2 = xAt - channels;
        int x1 = x2 - channels;
        int x0 = x1 - channels;
        int i = 0;
        for (; i < Simd.F.loopBound(count); i += LANES) {
            FloatVector d = FloatVector.fromArray(Simd.F, dv, dvAt + i);
            d.fma(FloatVector.fromArray(Simd.F, xs, x0 + i), FloatVector.fromArray(Simd.F, sums, sumAt + i))
                    .intoArray(sums, sumAt + i);
            d.fma(FloatVector.fromArray(Simd.F, xs, x1 + i), FloatVector.fromArray(Simd.F, sums, s1 + i))
                    .intoArray(sums, s1 + i);
            d.fma(FloatVector.fromArray(Simd.F, xs, x2 + i), FloatVector.fromArray(Simd.F, sums, s2 + i))
                    .intoArray(sums, s2 + i);
            d.fma(FloatVector.fromArray(Simd.F, xs, xAt + i), FloatVector.fromArray(Simd.F, sums, s3 + i))
                    .intoArray(sums, s3 + i);
        }
        for (; i < count; i++) {
            float d = dv[dvAt + i];
            sums[sumAt + i] = Math.fma(d, xs[x0 + i], sums[sumAt + i]);
            sums[s1 + i] = Math.fma(d, xs[x1 + i], sums[s1 + i]);
            sums[s2 + i] = Math.fma(d, xs[x2 + i], sums[s2 + i]);
            sums[s3 + i] = Math.fma(d, xs[xAt + i], sums[s3 + i]);
        }
    }

    /** {@code y += a * b}. */
    private static void addProduct(float[] y, int yAt, float[] a, int aAt, float[] b, int bAt, int count) {
        int i = 0;
        for (; i < Simd.F.loopBound(count); i += LANES) {
            FloatVector.fromArray(Simd.F, a, aAt + i)
                    .fma(FloatVector.fromArray(Simd.F, b, bAt + i), FloatVector.fromArray(Simd.F, y, yAt + i))
                    .intoArray(y, yAt + i);
        }
        for (; i < count; i++) {
            y[yAt + i] = Math.fma(a[aAt + i], b[bAt + i], y[yAt + i]);
        }
    }

    /** {@code y += a}. */
    private static void add(float[] y, int yAt, float[] a, int aAt, int count) {
        int i = 0;
        for (; i < Simd.F.loopBound(count); i += LANES) {
            FloatVector.fromArray(Simd.F, y, yAt + i).add(FloatVector.fromArray(Simd.F, a, aAt + i)).intoArray(y,
                    yAt + i);
        }
        for (; i < count; i++) {
            y[yAt + i] += a[aAt + i];
        }
    }

    private static void silu(float[] y, int at, int count) {
        int last = Simd.lastVector(count);
        int i = 0;
        for (; i <= last; i += LANES) {
            VectorMath.silu(FloatVector.fromArray(Simd.F, y, at + i)).intoArray(y, at + i);
        }
        for (; i < count; i++) {
            y[at + i] = VectorMath.silu(y[at + i]);
        }
    }

    /** {@code v = dy * silu'(v)}. */
    private static void siluBackward(float[] v, int vAt, float[] dy, int dyAt, int count) {
        int i = 0;
        for (; i < Simd.F.loopBound(count); i += LANES) {
            VectorMath.siluDerivative(FloatVector.fromArray(Simd.F, v, vAt + i))
                    .mul(FloatVector.fromArray(Simd.F, dy, dyAt + i))
                    .intoArray(v, vAt + i);
        }
        for (; i < count; i++) {
            v[vAt + i] = VectorMath.siluDerivative(v[vAt + i]) * dy[dyAt + i];
        }
    }
}
