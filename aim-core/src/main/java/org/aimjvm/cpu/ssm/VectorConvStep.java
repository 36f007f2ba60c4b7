package org.aimjvm.cpu.ssm;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import org.aimjvm.cpu.simd.Simd;

/**
 * One element of a causal convolution of four taps with a state, for a vector of channels at a time. State and weight
 * lie (channels, 4); both are transposed in registers, so that each element is the same chain of fused multiply-adds as
 * in {@link VectorCausalConv1d}.
 *
 * <p>Four vectors hold the taps of a vector of channels: vector j those of channels {@code [j * G, (j + 1) * G)}, G =
 * lanes / 4. Transposing each group of four lanes leaves tap m of channel {@code j * G + g} in lane {@code 4 * g + j},
 * and {@link #TO_GROUPS} brings what comes by channel into that order.
 */
final class VectorConvStep {
    /** Taps of all published models. */
    static final int WIDTH = 4;

    private static final int LANES = Simd.LANES;
    private static final int G = LANES / WIDTH;

    private static final VectorShuffle<Float> SWAP_1 = VectorShuffle.fromOp(Simd.F, i -> i ^ 1);
    private static final VectorShuffle<Float> SWAP_2 = VectorShuffle.fromOp(Simd.F, i -> i ^ 2);
    private static final VectorMask<Float> ODD = VectorMask.fromLong(Simd.F, 0xAAAAAAAAAAAAAAAAL);
    private static final VectorMask<Float> UPPER = VectorMask.fromLong(Simd.F, 0xCCCCCCCCCCCCCCCCL);
    private static final VectorShuffle<Float> TO_GROUPS =
            VectorShuffle.fromOp(Simd.F, i -> i % WIDTH * G + i / WIDTH);
    private static final VectorShuffle<Float> FROM_GROUPS =
            VectorShuffle.fromOp(Simd.F, i -> i % G * WIDTH + i / G);

    private VectorConvStep() {}

    /**
     * {@code y = bias + taps} of channels {@code [from, to)}, a multiple of the lanes, of all sequences; {@code states}
     * are left one element on.
     */
    static void run(float[] ys, float[] states, ConvArrays in, int from, int to) {
        float[] xs = in.x();
        float[] ws = in.w();
        float[] biases = in.bias();
        int batch = in.s().batch();
        int channels = in.s().channels();
        for (int c = from; c < to; c += LANES) {
            int at = c * WIDTH;
            FloatVector v0 = FloatVector.fromArray(Simd.F, ws, at);
            FloatVector v1 = FloatVector.fromArray(Simd.F, ws, at + LANES);
            FloatVector v2 = FloatVector.fromArray(Simd.F, ws, at + 2 * LANES);
            FloatVector v3 = FloatVector.fromArray(Simd.F, ws, at + 3 * LANES);
            FloatVector a0 = v0.blend(v1.rearrange(SWAP_1), ODD);
            FloatVector a1 = v0.rearrange(SWAP_1).blend(v1, ODD);
            FloatVector a2 = v2.blend(v3.rearrange(SWAP_1), ODD);
            FloatVector a3 = v2.rearrange(SWAP_1).blend(v3, ODD);
            FloatVector w0 = a0.blend(a2.rearrange(SWAP_2), UPPER);
            FloatVector w1 = a1.blend(a3.rearrange(SWAP_2), UPPER);
            FloatVector w2 = a0.rearrange(SWAP_2).blend(a2, UPPER);
            FloatVector w3 = a1.rearrange(SWAP_2).blend(a3, UPPER);
            FloatVector bias = biases == null
                    ? FloatVector.zero(Simd.F)
                    : FloatVector.fromArray(Simd.F, biases, c).rearrange(TO_GROUPS);
            for (int b = 0; b < batch; b++) {
                int i = b * channels + c;
                int s = i * WIDTH;
                v0 = FloatVector.fromArray(Simd.F, states, s);
                v1 = FloatVector.fromArray(Simd.F, states, s + LANES);
                v2 = FloatVector.fromArray(Simd.F, states, s + 2 * LANES);
                v3 = FloatVector.fromArray(Simd.F, states, s + 3 * LANES);
                a0 = v0.blend(v1.rearrange(SWAP_1), ODD);
                a1 = v0.rearrange(SWAP_1).blend(v1, ODD);
                a2 = v2.blend(v3.rearrange(SWAP_1), ODD);
                a3 = v2.rearrange(SWAP_1).blend(v3, ODD);
                FloatVector s1 = a1.blend(a3.rearrange(SWAP_2), UPPER);
                FloatVector s2 = a0.rearrange(SWAP_2).blend(a2, UPPER);
                FloatVector s3 = a1.rearrange(SWAP_2).blend(a3, UPPER);
                FloatVector x = FloatVector.fromArray(Simd.F, xs, i).rearrange(TO_GROUPS);
                w3.fma(x, w2.fma(s3, w1.fma(s2, w0.fma(s1, bias)))).rearrange(FROM_GROUPS).intoArray(ys, i);
                FloatVector b0 = s1.blend(s2.rearrange(SWAP_1), ODD);
                FloatVector b1 = s1.rearrange(SWAP_1).blend(s2, ODD);
                FloatVector b2 = s3.blend(x.rearrange(SWAP_1), ODD);
                FloatVector b3 = s3.rearrange(SWAP_1).blend(x, ODD);
                b0.blend(b2.rearrange(SWAP_2), UPPER).intoArray(states, s);
                b1.blend(b3.rearrange(SWAP_2), UPPER).intoArray(states, s + LANES);
                b0.rearrange(SWAP_2).blend(b2, UPPER).intoArray(states, s + 2 * LANES);
                b1.rearrange(SWAP_2).blend(b3, UPPER).intoArray(states, s + 3 * LANES);
            }
        }
    }
}
