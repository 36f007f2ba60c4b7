package org.aimjvm.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.aimjvm.tensor.Backend;
import org.aimjvm.tensor.DType;
import org.aimjvm.tensor.SsdShape;
import org.aimjvm.tensor.Storage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** State-space kernels against the scalar backend, with NaN behind all inputs and guards behind all outputs. */
class CudaSsmKernelsTest {
    private static final int BEHIND = 9;
    private static final float GUARD = 12345.5f;
    private static final double EXACT = 1e-5;
    private static final float INFINITY = Float.POSITIVE_INFINITY;

    private final SplittableRandom random = new SplittableRandom(7);

    /** A kernel call on storages: inputs, then outputs, each {@code null} where its array is. */
    private interface Call {
        void run(Backend backend, Storage[] in, Storage[] out);
    }

    private float[] random(double low, double high, int size) {
        float[] v = new float[size];
        for (int i = 0; i < size; i++) {
            v[i] = (float) random.nextDouble(low, high);
        }
        return v;
    }

    private float[] randomIf(boolean wanted, int size) {
        return wanted ? random(-1, 1, size) : null;
    }

    private static Storage upload(Backend b, float[] v, float behind) {
        if (v == null) {
            return null;
        }
        Storage s = b.allocate(DType.F32, v.length + BEHIND);
        b.fill(s, 0, s.size(), behind);
        b.write(s, 0, v, 0, v.length);
        return s;
    }

    private static float[] download(Backend b, Storage s) {
        float[] v = new float[s.size()];
        b.read(s, 0, v, 0, v.length);
        return v;
    }

    private static float[][] run(Backend b, float[][] inputs, int[] outputs, Call call) {
        Storage[] in = Arrays.stream(inputs).map(v -> upload(b, v, Float.NaN)).toArray(Storage[]::new);
        Storage[] out = Arrays.stream(outputs)
                .mapToObj(n -> {
                    if (n < 0) {
                        return null;
                    }
                    float[] v = new float[n];
                    Arrays.fill(v, GUARD);
                    return upload(b, v, GUARD);
                })
                .toArray(Storage[]::new);
        call.run(b, in, out);
        float[][] results = new float[out.length][];
        for (int i = 0; i < out.length; i++) {
            if (out[i] != null) {
                float[] v = download(b, out[i]);
                for (int j = outputs[i]; j < v.length; j++) {
                    assertThat(v[j]).as("behind output " + i).isEqualTo(GUARD);
                }
                results[i] = Arrays.copyOf(v, outputs[i]);
            }
        }
        return results;
    }

    private static void compare(String name, float[][] inputs, int[] outputs, double limit, Call call) {
        compare(name, CudaTests.backend(), inputs, outputs, limit, call);
    }

    private static void compare(String name, Backend backend, float[][] inputs, int[] outputs, double limit,
            Call call) {
        float[][] expected = run(CudaTests.reference(), inputs, outputs, call);
        float[][] actual = run(backend, inputs, outputs, call);
        for (int i = 0; i < outputs.length; i++) {
            if (outputs[i] >= 0) {
                assertThat(error(actual[i], expected[i])).as(name + ", output " + i).isLessThanOrEqualTo(limit);
            }
        }
        assertThat(run(backend, inputs, outputs, call)).as(name + ", again").isDeepEqualTo(actual);
    }

    /** Normalised error. */
    private static double error(float[] actual, float[] expected) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.pow((double) actual[i] - expected[i], 2);
            norm += Math.pow(expected[i], 2);
        }
        return difference == 0 ? 0 : Math.sqrt(difference / norm);
    }

    // ---- SSD -----------------------------------------------------------------------------------------------------------------

    private static SsdShape shape(int batch, int length, int heads, int headDim, int groups, int dState) {
        return new SsdShape(batch, length, heads, headDim, groups, dState, 0, INFINITY, false);
    }

    private float[][] ssdInputs(SsdShape s, boolean hasD, boolean hasInitial) {
        return new float[][] {
            random(-1, 1, s.batch() * s.length() * s.xbcDim()),
            random(-3, 1, s.batch() * s.length() * s.heads()),
            random(-1, 1, s.heads()),
            random(-2, 1, s.heads()),
            randomIf(hasD, s.perChannelD() ? s.innerDim() : s.heads()),
            randomIf(hasInitial, s.stateShape().size())
        };
    }

    private static int ySize(SsdShape s) {
        return s.batch() * s.length() * s.innerDim();
    }

    private void ssdForward(SsdShape s, boolean hasD, boolean hasInitial, boolean wantFinal) {
        compare("forward " + s, ssdInputs(s, hasD, hasInitial),
                new int[] {ySize(s), wantFinal ? s.stateShape().size() : -1},
                EXACT,
                (b, in, out) -> b.ssm().ssdScan(out[0], out[1], in[0], in[1], in[2], in[3], in[4], in[5], s));
    }

    private void ssdBackward(Backend backend, double limit, SsdShape s, boolean hasD, boolean hasInitial,
            boolean hasDFinal) {
        float[][] inputs = Arrays.copyOf(ssdInputs(s, hasD, hasInitial), 8);
        inputs[6] = random(-1, 1, ySize(s));
        inputs[7] = randomIf(hasDFinal, s.stateShape().size());
        int[] outputs = {
            inputs[0].length, inputs[1].length, s.heads(), s.heads(), hasD ? inputs[4].length : -1,
            hasInitial ? inputs[5].length : -1
        };
        compare("backward " + s, backend, inputs, outputs, limit,
                (b, in, out) -> b.ssm()
                        .ssdScanBackward(out[0], out[1], out[2], out[3], out[4], out[5], in[6], in[7], in[0], in[1],
                                in[2], in[3],
                                in[4],
                                in[5], s));
    }

    private void ssdBackward(SsdShape s, boolean hasD, boolean hasInitial, boolean hasDFinal) {
        ssdBackward(CudaTests.backend(), EXACT, s, hasD, hasInitial, hasDFinal);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 8, 9, 63, 64, 65, 131})
    void ssdOfAnyLength(int length) {
        for (SsdShape s : new SsdShape[] {
            shape(2, length, 4, 5, 2, 3), shape(1, length, 2, 8, 1, 12), shape(1, length, 2, 67, 2, 65)
        }) {
            ssdForward(s, true, false, false);
            ssdForward(s, false, true, true);
            if (length > 0) {
                ssdBackward(s, true, false, false);
                ssdBackward(s, false, true, true);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 67})
    void ssdWithLimitsAndSkips(int length) {
        SsdShape s = new SsdShape(2, length, 3, 7, 1, 9, 0.1f, 0.8f, true);
        ssdForward(s, true, true, true);
        ssdForward(s, false, false, true);
        ssdBackward(s, true, true, true);
        ssdBackward(s, true, false, true);
        ssdBackward(s, false, true, false);
    }

    // ---- convolution ---------------------------------------------------------------------------------------------------------

    /** The state, if any, is an output that starts at the input's values. */
    private void conv(int batch, int length, int channels, int width, boolean hasBias, boolean hasState, boolean silu) {
        int size = batch * length * channels;
        float[][] inputs = {
            random(-2, 2, size), random(-1, 1, channels * width), randomIf(hasBias, channels),
            randomIf(hasState, batch * channels * width)
        };
        String name = "conv1d " + batch + "x" + length + "x" + channels + " width " + width;
        compare(name, inputs, new int[] {size, hasState ? batch * channels * width : -1}, EXACT, (b, in, out) -> {
            if (hasState) {
                b.copy(out[1], 0, in[3], 0, batch * channels * width);
            }
            b.ssm().causalConv1d(out[0], in[0], in[1], in[2], out[1], batch, length, channels, width, silu);
        });
        inputs[3] = random(-1, 1, size);
        for (int wanted : new int[] {7, 1, 2, 4}) {
            int[] outputs = {
                (wanted & 1) != 0 ? size : -1, (wanted & 2) != 0 ? channels * width : -1,
                (wanted & 4) != 0 ? channels : -1
            };
            compare(name + " backward", inputs, outputs, EXACT, (b, in, out) -> b.ssm()
                    .causalConv1dBackward(out[0], out[1], out[2], in[3], in[0], in[1], in[2], batch, length, channels,
                            width, silu));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 9, 20})
    void convolutionOfAnyWidth(int width) {
        for (int length : new int[] {1, 2, 3, 5, 15, 16, 17, 64, 65, 131}) {
            conv(2, length, 5, width, true, true, true);
            conv(1, length, 3, width, false, false, false);
        }
        conv(3, 7, 131, width, true, true, false);
    }

    @Test
    void convolutionOfNothing() {
        conv(0, 5, 7, 4, true, true, true);
        conv(2, 0, 7, 4, true, true, true);
    }
}
