package org.aimjvm.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.CausalConv1d;
import org.aimjvm.backend.CausalConvShape;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.MatmulPrecision;
import org.aimjvm.backend.SelectiveScan;
import org.aimjvm.backend.SelectiveShape;
import org.aimjvm.backend.SsdScan;
import org.aimjvm.backend.SsdSettings;
import org.aimjvm.backend.SsdShape;
import org.aimjvm.backend.Storage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** State-space kernels against the scalar backend, with NaN after all inputs and guards after all outputs. */
class CudaSsmKernelsTest {
    private static final int BEHIND = 9;
    private static final float GUARD = 12345.5f;
    private static final double EXACT = 1e-5;

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

    // ---- SSD
    // -----------------------------------------------------------------------------------------------------------------

    private static SsdShape shape(int batch, int length, int heads, int headDim, int groups, int dState) {
        return new SsdShape(batch, length, SsdSettings.unlimited(heads, headDim, groups, dState), false);
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

    /** Operands in the order of {@link #ssdInputs}. */
    private static SsdScan.Inputs ssd(Storage[] in) {
        return ssd(in, in[5]);
    }

    private static SsdScan.Inputs ssd(Storage[] in, Storage initialState) {
        return new SsdScan.Inputs(in[0], in[1], in[2], in[3], in[4], initialState);
    }

    private static int ySize(SsdShape s) {
        return s.batch() * s.length() * s.innerDim();
    }

    private void ssdForward(SsdShape s, boolean hasD, boolean hasInitial, boolean wantFinal) {
        compare("forward " + s, ssdInputs(s, hasD, hasInitial),
                new int[] {ySize(s), wantFinal ? s.stateShape().size() : -1},
                EXACT,
                (b, in, out) -> b.ssm().ssdScan(out[0], out[1], ssd(in), s));
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
                        .ssdScanBackward(
                                new SsdScan.Gradients(out[0], out[1], out[2], out[3], out[4], out[5]), in[6], in[7],
                                ssd(in), s));
    }

    private void ssdBackward(SsdShape s, boolean hasD, boolean hasInitial, boolean hasDFinal) {
        ssdBackward(CudaTests.backend(), EXACT, s, hasD, hasInitial, hasDFinal);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 8, 9, 63, 64, 65, 131})
    void ssdOfAnyLength(int length) {
        for (SsdShape s : new SsdShape[] {
            shape(2, length, 4, 5, 2, 3), shape(1, length, 2, 8, 1, 12), shape(1, length, 2, 67, 2, 66)
        }) {
            ssdForward(s, true, false, false);
            ssdForward(s, false, true, true);
            ssdBackward(s, true, false, false);
            ssdBackward(s, false, true, true);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 67})
    void ssdWithLimitsAndSkips(int length) {
        SsdShape s = new SsdShape(2, length, new SsdSettings(3, 7, 1, 9, 0.1f, 0.8f), true);
        ssdForward(s, true, true, true);
        ssdForward(s, false, false, true);
        ssdBackward(s, true, true, true);
        ssdBackward(s, true, false, true);
        ssdBackward(s, false, true, false);
    }

    @Test
    void ssdOfModelWidths() {
        ssdForward(shape(2, 1, 24, 64, 1, 128), true, true, true);
        ssdForward(shape(1, 70, 2, 64, 1, 128), true, true, true);
        ssdBackward(shape(1, 70, 2, 64, 1, 128), true, true, true);
        ssdForward(shape(1, 1, 3, 64, 1, 300), true, true, true); // more of N than a warp holds
        ssdForward(shape(1, 3, 3, 6, 3, 70), true, true, true);
    }

    @Test
    void ssdOfNothing() {
        ssdForward(shape(0, 1, 4, 5, 2, 3), true, true, true);
        ssdForward(shape(0, 70, 4, 5, 2, 3), true, true, true);
        SsdShape s = shape(0, 70, 4, 5, 2, 3);
        float[][] inputs = Arrays.copyOf(ssdInputs(s, true, false), 7);
        inputs[6] = new float[0];
        compare("nothing", inputs, new int[] {0, 0, 4, 4, 4}, 0, (b, in, out) -> b.ssm()
                .ssdScanBackward(
                        new SsdScan.Gradients(out[0], out[1], out[2], out[3], out[4], null), in[6], null, ssd(in, null),
                        s));
    }

    /** Sums in the exponents of thousands, steps that forget all. */
    @Test
    void ssdOfStrongDecays() {
        SsdShape s = shape(1, 130, 2, 5, 1, 3);
        for (double low : new double[] {0, 20}) {
            float[][] inputs = Arrays.copyOf(ssdInputs(s, true, true), 8);
            inputs[1] = random(low, low + 10, inputs[1].length);
            inputs[3] = random(0, 3, s.heads());
            inputs[6] = random(-1, 1, ySize(s));
            inputs[7] = random(-1, 1, s.stateShape().size());
            compare("strong forward", inputs, new int[] {ySize(s), s.stateShape().size()}, EXACT,
                    (b, in, out) -> b.ssm().ssdScan(out[0], out[1], ssd(in), s));
            compare("strong backward", inputs,
                    new int[] {inputs[0].length, inputs[1].length, 2, -1, 2, inputs[5].length}, EXACT,
                    (b, in, out) -> {
                        Storage dALog = b.allocate(DType.F32, 2); // vanishes, so its relative error says nothing
                        b.ssm()
                                .ssdScanBackward(
                                        new SsdScan.Gradients(out[0], out[1], out[2], dALog, out[4], out[5]), in[6],
                                        in[7], ssd(in), s);
                    });
        }
    }

    @ParameterizedTest
    @EnumSource(MatmulPrecision.class)
    void ssdInEachPrecision(MatmulPrecision precision) {
        CudaBackend backend = CudaTests.backend(precision);
        double limit = switch (precision) {
            case F32 -> EXACT;
            case BF16X3 -> 5e-5;
            case TF32 -> 3e-3;
            case BF16 -> 3e-2;
        };
        for (SsdShape s : new SsdShape[] {shape(1, 131, 2, 67, 1, 70), shape(2, 64, 4, 16, 2, 16)}) {
            compare(precision + " " + s, backend, ssdInputs(s, true, true), new int[] {ySize(s), s.stateShape().size()},
                    limit,
                    (b, in, out) -> b.ssm().ssdScan(out[0], out[1], ssd(in), s));
            ssdBackward(backend, 3 * limit, s, true, true, true);
        }
    }

    /** A sequence in parts, the state passed on in place, is the sequence. */
    @ParameterizedTest
    @ValueSource(ints = {1, 3, 64, 70, 129})
    void ssdInParts(int first) {
        Backend b = CudaTests.backend();
        SsdShape whole = shape(1, 131, 2, 5, 1, 8);
        float[][] inputs = ssdInputs(whole, true, true);
        float[][] expected = run(b, inputs, new int[] {ySize(whole), whole.stateShape().size()},
                (backend, in, out) -> backend.ssm().ssdScan(out[0], out[1], ssd(in), whole));
        float[] y = new float[ySize(whole)];
        Storage state = upload(b, inputs[5], GUARD);
        int done = 0;
        while (done < whole.length()) {
            int length = Math.min(first, whole.length() - done);
            if (first == 1 && done > 9) {
                length = whole.length() - done; // steps are slow to emulate
            }
            SsdShape part = shape(1, length, 2, 5, 1, 8);
            Storage xbc = upload(b, part(inputs[0], done, length, whole.xbcDim()), Float.NaN);
            Storage dt = upload(b, part(inputs[1], done, length, 2), Float.NaN);
            Storage out = upload(b, new float[ySize(part)], GUARD);
            Storage dtBias = upload(b, inputs[2], Float.NaN);
            Storage aLog = upload(b, inputs[3], Float.NaN);
            Storage d = upload(b, inputs[4], Float.NaN);
            b.ssm().ssdScan(out, state, new SsdScan.Inputs(xbc, dt, dtBias, aLog, d, state), part);
            b.read(out, 0, y, done * whole.innerDim(), ySize(part));
            done += length;
        }
        assertThat(error(y, expected[0])).isLessThan(EXACT);
        float[] last = download(b, state);
        assertThat(error(Arrays.copyOf(last, expected[1].length), expected[1])).isLessThan(EXACT);
        assertThat(last[expected[1].length]).isEqualTo(GUARD);
    }

    private static float[] part(float[] v, int from, int count, int size) {
        return Arrays.copyOfRange(v, from * size, (from + count) * size);
    }

    /** A step that was captured works on what is in its storages when it is replayed. */
    @Test
    void capturedStep() {
        Backend b = CudaTests.backend();
        SsdShape s = shape(2, 1, 3, 8, 1, 12);
        float[][] inputs = ssdInputs(s, true, true);
        Storage[] in = Arrays.stream(inputs).map(v -> upload(b, v, Float.NaN)).toArray(Storage[]::new);
        Storage y = b.allocate(DType.F32, ySize(s));
        Runnable step =
                b.capture(() -> b.ssm().ssdScan(y, in[5], ssd(in), s)).orElseThrow();
        step.run();
        float[][] twice =
                run(CudaTests.reference(), inputs, new int[] {ySize(s), s.stateShape().size()}, (r, rin, out) -> {
                    r.ssm().ssdScan(out[0], out[1], ssd(rin), s);
                    r.ssm().ssdScan(out[0], out[1], ssd(rin, out[1]), s);
                });
        assertThat(error(Arrays.copyOf(download(b, y), ySize(s)), twice[0])).isLessThan(EXACT);
        assertThat(error(Arrays.copyOf(download(b, in[5]), inputs[5].length), twice[1])).isLessThan(EXACT);
    }

    @Test
    void nanStaysNaN() {
        Backend b = CudaTests.backend();
        for (int length : new int[] {1, 70}) {
            SsdShape s = shape(1, length, 1, 2, 1, 4);
            for (int i = 0; i < 4; i++) {
                float[][] inputs = ssdInputs(s, true, true);
                inputs[i][0] = Float.NaN;
                float[][] out = run(b, inputs, new int[] {ySize(s), s.stateShape().size()},
                        (r, in, o) -> r.ssm().ssdScan(o[0], o[1], ssd(in), s));
                assertThat(out[0][0]).as("length " + length + ", input " + i).isNaN();
            }
        }
    }

    // ---- convolution
    // ---------------------------------------------------------------------------------------------------------

    /** The state, if any, is an output that starts at the input's values. */
    private void conv(int batch, int length, int channels, int width, boolean hasBias, boolean hasState, boolean silu) {
        CausalConvShape s = new CausalConvShape(batch, length, channels, width);
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
            b.ssm().causalConv1d(out[0], out[1], new CausalConv1d.Inputs(in[0], in[1], in[2], silu), s);
        });
        inputs[3] = random(-1, 1, size);
        for (int wanted : hasState ? new int[] {7} : new int[] {1, 2, 4}) {
            int[] outputs = {
                (wanted & 1) != 0 ? size : -1, (wanted & 2) != 0 ? channels * width : -1,
                (wanted & 4) != 0 ? channels : -1
            };
            compare(name + " backward", inputs, outputs, EXACT, (b, in, out) -> b.ssm()
                    .causalConv1dBackward(
                            new CausalConv1d.Gradients(out[0], out[1], out[2]), in[3],
                            new CausalConv1d.Inputs(in[0], in[1], in[2], silu), s));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 20})
    void convolutionOfAnyWidth(int width) {
        for (int length : new int[] {1, 2, 5, 17, 67}) {
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

    // ---- selective scan
    // ------------------------------------------------------------------------------------------------------

    /** @param some which of bias, D and initial state there are */
    private float[][] scanInputs(int batch, int length, int channels, int dState, boolean some, boolean others) {
        return new float[][] {
            random(-1, 1, batch * length * channels), random(-3, 1, batch * length * channels),
            randomIf(some, channels),
            random(-1, 1, channels * dState), random(-1, 1, batch * length * dState),
            random(-1, 1, batch * length * dState),
            randomIf(some, channels), randomIf(others, batch * channels * dState)
        };
    }

    /** Operands in the order of {@link #scanInputs}. */
    private static SelectiveScan.Inputs selective(Storage[] in) {
        return new SelectiveScan.Inputs(in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[7]);
    }

    @Test
    void selectiveScanOfManyChannels() {
        scan(1, 18, 133, 16, true, true);
    }

    private void scan(int batch, int length, int channels, int dState, boolean some, boolean others) {
        float[][] inputs = scanInputs(batch, length, channels, dState, some, others);
        String name = "selective scan " + batch + "x" + length + "x" + channels + " N " + dState;
        SelectiveShape s = new SelectiveShape(batch, length, channels, dState);
        int size = batch * length * channels;
        int states = batch * channels * dState;
        compare(name, inputs, new int[] {size, others ? states : -1}, EXACT, (b, in, out) -> b.ssm()
                .selectiveScan(out[0], out[1], selective(in), s));
        inputs = Arrays.copyOf(inputs, 10);
        inputs[8] = random(-1, 1, size);
        inputs[9] = randomIf(others, states);
        int rows = batch * length * dState;
        int[] all = {size, size, channels, channels * dState, rows, rows, channels, states};
        int[] odd = {size, -1, channels, -1, rows, -1, channels, -1};
        int[] even = {-1, size, -1, channels * dState, -1, rows, -1, states};
        for (int[] outputs : others ? new int[][] {all} : new int[][] {odd, even}) {
            compare(name + " backward", inputs, outputs, EXACT, (b, in, out) -> b.ssm()
                    .selectiveScanBackward(
                            new SelectiveScan.Gradients(
                                    out[0], out[1], out[2], out[3], out[4], out[5], out[6], out[7]),
                            in[8], in[9], selective(in), s));
        }
    }

    @Test
    void selectiveScanInPlaceInParts() {
        Backend b = CudaTests.backend();
        float[][] inputs = scanInputs(1, 20, 5, 7, true, true);
        float[][] whole = run(b, inputs, new int[] {100, 35}, (r, in, out) -> r.ssm()
                .selectiveScan(out[0], out[1], selective(in), new SelectiveShape(1, 20, 5, 7)));
        Storage[] in = Arrays.stream(inputs).map(v -> upload(b, v, Float.NaN)).toArray(Storage[]::new);
        float[] y = new float[100];
        for (int done = 0; done < 20; done += done == 0 ? 17 : 1) {
            int length = done == 0 ? 17 : 1;
            Storage out = b.allocate(DType.F32, length * 5);
            Storage x = upload(b, part(inputs[0], done, length, 5), Float.NaN);
            Storage delta = upload(b, part(inputs[1], done, length, 5), Float.NaN);
            Storage bMat = upload(b, part(inputs[4], done, length, 7), Float.NaN);
            Storage cMat = upload(b, part(inputs[5], done, length, 7), Float.NaN);
            b.ssm()
                    .selectiveScan(
                            out, in[7],
                            new SelectiveScan.Inputs(x, delta, in[2], in[3], bMat, cMat, in[6], in[7]),
                            new SelectiveShape(1, length, 5, 7));
            b.read(out, 0, y, done * 5, length * 5);
        }
        assertThat(error(y, whole[0])).isLessThan(EXACT);
        assertThat(error(Arrays.copyOf(download(b, in[7]), 35), whole[1])).isLessThan(EXACT);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 16, 17, 35})
    void selectiveScanOfAnyLength(int length) {
        scan(2, length, 5, 3, true, false);
        scan(2, length, 5, 4, false, true);
        scan(1, length, 3, length == 17 ? 131 : 37, true, true);
        scan(0, length, 3, 4, true, true);
    }
}
