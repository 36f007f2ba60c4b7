package org.aimjvm.op.ssm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.TestBackends;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.BackendOptions;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Quantization;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.SsdScan;
import org.aimjvm.backend.SsdSettings;
import org.aimjvm.backend.SsdShape;
import org.aimjvm.backend.Storage;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * States in BF16, on every backend: a scan leaves the rounded state, and gives the outputs, of a scan in F32 from the
 * same numbers. So what holds of F32 states (threads, batches, vector widths) holds of these.
 */
@EverySimdWidth
class SsdHalfStateTest {
    private static final List<Backend> BACKENDS = TestBackends.available();
    private static final int GUARDS = 5;
    private static final float GUARD = 7;

    static Stream<Arguments> cases() {
        return BACKENDS.stream().flatMap(b -> Stream.of(
                shape(2, 1, 4, 5, 2, 3), shape(1, 1, 3, 7, 1, 67), shape(3, 1, 2, 64, 1, 128), shape(2, 1, 2, 3, 2, 32),
                shape(1, 3, 2, 5, 1, 8), shape(2, 9, 2, 5, 1, 35), shape(2, 70, 4, 6, 2, 16), shape(2, 0, 2, 3, 1, 4),
                shape(0, 1, 2, 3, 1, 4)).map(s -> Arguments.of(b, s)));
    }

    private static SsdShape shape(int batch, int length, int heads, int headDim, int groups, int dState) {
        return new SsdShape(batch, length, new SsdSettings(heads, headDim, groups, dState, 0, 2), false);
    }

    /** Arguments of a scan on a backend, the same numbers each time. */
    private record Inputs(Backend b, SsdShape s, float[][] values) {
        static Inputs of(Backend b, SsdShape s) {
            return new Inputs(b, s, new float[][] {
                random(1, s.batch() * s.length() * s.xbcDim()), random(2, s.batch() * s.length() * s.heads()),
                random(3, s.heads()), random(4, s.heads()), random(5, s.heads())
            });
        }

        /** Outputs of a scan. */
        float[] scan(Storage last, Storage initial) {
            int size = s.batch() * s.length() * s.innerDim();
            Storage y = b.allocate(DType.F32, size);
            Storage[] in = Arrays.stream(values).map(v -> upload(b, DType.F32, v)).toArray(Storage[]::new);
            b.ssm().ssdScan(y, last, new SsdScan.Inputs(in[0], in[1], in[2], in[3], in[4], initial), s);
            return read(b, y, size);
        }
    }

    private static Storage upload(Backend b, DType dtype, float[] values) {
        Storage s = b.allocate(dtype, values.length);
        b.write(s, 0, values, 0, values.length);
        return s;
    }

    /** Values, and guards after them. */
    private static Storage guarded(Backend b, DType dtype, float[] values) {
        Storage s = b.allocate(dtype, values.length + GUARDS);
        b.fill(s, 0, values.length + GUARDS, GUARD);
        b.write(s, 0, values, 0, values.length);
        return s;
    }

    private static float[] read(Backend b, Storage s, int count) {
        float[] values = new float[count];
        b.read(s, 0, values, 0, count);
        return values;
    }

    /** What {@link #guarded} was given or a scan left in its place. */
    private static float[] unguarded(Backend b, Storage s) {
        float[] values = read(b, s, s.size());
        for (int i = values.length - GUARDS; i < values.length; i++) {
            assertThat(values[i]).as("behind the state").isEqualTo(GUARD);
        }
        return Arrays.copyOf(values, values.length - GUARDS);
    }

    private static float[] random(long seed, int n) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextDouble(-1, 1);
        }
        return values;
    }

    private static float[] rounded(float[] values) {
        float[] rounded = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            rounded[i] = Quantization.toBf16(values[i]);
        }
        return rounded;
    }

    /** Outputs of one element are sums in another order. */
    private static void expectOutputs(float[] got, float[] expected) {
        double error = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            error += Math.pow((double) got[i] - expected[i], 2);
            norm += Math.pow(expected[i], 2);
        }
        assertThat(error <= 1e-12 * norm).as("y: error " + Math.sqrt(error / norm)).isTrue();
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("cases")
    void theStateOfF32RoundedAndItsOutputs(Backend b, SsdShape s) {
        Inputs in = Inputs.of(b, s);
        int size = s.stateShape().size();
        float[] start = rounded(random(6, size));
        Storage floats = upload(b, DType.F32, start);
        float[] y = in.scan(floats, floats);
        float[] expected = rounded(read(b, floats, size));

        Storage inPlace = guarded(b, DType.BF16, start);
        expectOutputs(in.scan(inPlace, inPlace), y);
        assertThat(Arrays.equals(unguarded(b, inPlace), expected)).as("in place").isTrue();

        Storage initial = guarded(b, DType.BF16, start);
        Storage last = guarded(b, DType.BF16, new float[size]);
        expectOutputs(in.scan(last, initial), y);
        assertThat(Arrays.equals(unguarded(b, last), expected)).as("apart").isTrue();
        assertThat(Arrays.equals(unguarded(b, initial), start)).as("the initial state is not modified").isTrue();

        expectOutputs(in.scan(null, initial), y);

        Storage fromZero = guarded(b, DType.BF16, start);
        b.fill(floats, 0, size, 0);
        float[] yFromZero = in.scan(floats, floats);
        expectOutputs(in.scan(fromZero, null), yFromZero);
        assertThat(Arrays.equals(unguarded(b, fromZero), rounded(read(b, floats, size)))).as("from zero").isTrue();
    }

    /** Against the scalar backend a rounding falls to the other side where F32 differs: one step, and rarely. */
    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("cases")
    void asTheScalarBackend(Backend b, SsdShape s) {
        int size = s.stateShape().size();
        float[] start = rounded(random(6, size));
        float[][] y = new float[2][];
        float[][] states = new float[2][];
        for (int i = 0; i < 2; i++) {
            Backend backend = i == 0 ? b : Backends.open("scalar", BackendOptions.threads(1));
            Storage state = upload(backend, DType.BF16, start);
            y[i] = Inputs.of(backend, s).scan(state, state);
            states[i] = read(backend, state, size);
        }
        expectOutputs(y[0], y[1]);
        int other = 0;
        for (int i = 0; i < size; i++) {
            int apart = Math.abs(Quantization.bf16Bits(states[0][i]) - Quantization.bf16Bits(states[1][i]));
            assertThat(apart).as("steps apart, element " + i).isLessThanOrEqualTo(1);
            other += apart;
        }
        assertThat(other).as("roundings to the other side").isLessThanOrEqualTo(2 + size / 500);
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("cases")
    void aSequenceDoesNotDependOnItsBatch(Backend b, SsdShape s) {
        Inputs in = Inputs.of(b, s);
        int size = s.stateShape().size();
        float[] start = random(6, size);
        Storage state = upload(b, DType.BF16, start);
        float[] y = in.scan(state, state);
        float[] states = read(b, state, size);
        SsdShape one = shape(1, s.length(), s.heads(), s.headDim(), s.groups(), s.dState());
        for (int i = 0; i < s.batch(); i++) {
            float[][] own = in.values.clone();
            own[0] = slice(own[0], i, s.batch());
            own[1] = slice(own[1], i, s.batch());
            Storage alone = upload(b, DType.BF16, slice(start, i, s.batch()));
            assertThat(Arrays.equals(new Inputs(b, one, own).scan(alone, alone), slice(y, i, s.batch()))).as("y")
                    .isTrue();
            assertThat(Arrays.equals(read(b, alone, size / s.batch()), slice(states, i, s.batch()))).as("state")
                    .isTrue();
        }
    }

    private static float[] slice(float[] values, int i, int parts) {
        int size = values.length / parts;
        return Arrays.copyOfRange(values, i * size, (i + 1) * size);
    }

    static List<Backend> backends() {
        return BACKENDS;
    }

    /** Also those whose bits a carry of the rounding would make a zero. */
    @ParameterizedTest
    @MethodSource("backends")
    void nanStaysNaN(Backend b) {
        for (int length : new int[] {1, 70}) {
            SsdShape s = shape(1, length, 1, 3, 1, 35);
            for (int bits : new int[] {0x7fc00000, 0x7fffffff, 0xffffffff}) {
                for (int input = 0; input < 4; input++) { // xbc (x of the first channel), dt, bias, aLog
                    Inputs in = Inputs.of(b, s);
                    in.values[input][0] = Float.intBitsToFloat(bits);
                    Storage state = upload(b, DType.BF16, random(6, s.stateShape().size()));
                    assertThat(in.scan(state, state)[0]).as("y, input " + input).isNaN();
                    for (float v : read(b, state, 35)) {
                        assertThat(v).as("state, input " + input).isNaN();
                    }
                }
                Inputs in = Inputs.of(b, s);
                in.values[0][3] = Float.intBitsToFloat(bits); // B of the first element of a row
                Storage state = upload(b, DType.BF16, random(6, s.stateShape().size()));
                in.scan(state, state);
                assertThat(read(b, state, 1)[0]).as("state, B").isNaN();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void memoryRoundsToNearestEven(Backend b) {
        float[] values = {
            1, Float.intBitsToFloat(0x3f808000), Float.intBitsToFloat(0x3f818000), Float.intBitsToFloat(0x3f808001),
            -0f, Float.MAX_VALUE, Float.NEGATIVE_INFINITY, Float.NaN, Float.MIN_VALUE
        };
        float[] expected = {
            1, 1, Float.intBitsToFloat(0x3f820000), Float.intBitsToFloat(0x3f810000), -0f, Float.POSITIVE_INFINITY,
            Float.NEGATIVE_INFINITY, Float.NaN, 0
        };
        Storage s = b.allocate(DType.BF16, values.length + 2);
        b.fill(s, 0, s.size(), 3.001f);
        b.write(s, 1, values, 0, values.length);
        float[] got = read(b, s, s.size());
        assertThat(Arrays.copyOfRange(got, 1, 1 + values.length)).isEqualTo(expected);
        assertThat(got[0]).isEqualTo(3).isEqualTo(got[values.length + 1]);
        Storage other = b.allocate(DType.BF16, 3);
        b.copy(other, 1, s, 3, 2);
        b.fill(other, 0, 1, -2);
        float[] copied = new float[2];
        b.read(other, 1, copied, 0, 2);
        assertThat(copied).containsExactly(expected[2], expected[3]);
        assertThat(read(b, other, 1)).containsExactly(-2);
        try (Scope _ = Scope.inference()) {
            for (int i = 0; i < 2; i++) { // the second time in the memory of the first
                try (Scope _ = Scope.inference()) {
                    Tensor t = Tensor.empty(b, DType.BF16, Shape.of(3));
                    t.write(new float[] {i, 1, -1});
                    assertThat(t.toFloats()).containsExactly(i, 1, -1);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void whatTakesNoBf16SaysSo(Backend b) {
        SsdShape s = shape(1, 1, 1, 2, 1, 3);
        Inputs in = Inputs.of(b, s);
        Storage half = upload(b, DType.BF16, new float[6]);
        Storage full = upload(b, DType.F32, new float[6]);
        assertThatThrownBy(() -> in.scan(half, full)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("storage: F32, expected BF16");
        assertThatThrownBy(() -> in.scan(full, half)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("storage: F32, expected BF16");
        assertThatThrownBy(() -> b.elementwise().add(full, half, full, 6)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("storage: BF16, expected F32 (only the forward SSD scan takes BF16 states)");
        Tensor state = Tensor.persistent(b, DType.BF16, Shape.of(1, 1, 2, 3));
        Tensor xbc = Tensor.zeros(b, Shape.of(1, 1, 8));
        Tensor one = Tensor.zeros(b, Shape.of(1));
        assertThatThrownBy(() -> SsdScanOp.ssdScanFrom(
                xbc, one.reshape(1, 1, 1), one, one, null, state, SsdSettings.unlimited(1, 2, 1, 3)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("ssdScan: initial state is BF16, expected F32");
    }
}
