package org.aimjvm.op.ssm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.TestBackends;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.SsdSettings;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The law of operations with a state, on every backend: forward(all) = forward(part 1), forward(part 2) = element by
 * element. And a sequence does not depend on the others of its batch, bit by bit.
 */
@EverySimdWidth
class SsdScanLawTest {
    private static final int LENGTH = 130;
    private static final int BATCH = 3;

    private static final List<int[]> PARTS = List.of(
            new int[] {64, 66}, new int[] {1, 129}, new int[] {63, 2, 65}, new int[] {100, 30}, new int[] {2, 3, 125},
            ones());

    /** An operation on a sequence: inputs (batch, L, ...), and a state that it overwrites. */
    private record Stateful(String name, int[] inputSizes, int[] stateDims, Op op) {
        interface Op {
            Tensor run(Tensor[] inputs, Tensor state);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    private static int[] ones() {
        int[] ones = new int[LENGTH];
        Arrays.fill(ones, 1);
        return ones;
    }

    static Stream<Arguments> cases() {
        return TestBackends.available().stream()
                .flatMap(b -> Stream.of(
                        ssd(b, SsdSettings.unlimited(4, 5, 2, 3)),
                        ssd(b, new SsdSettings(6, 16, 1, 35, 0.01f, 3f)),
                        conv(b, 37, 4, true),
                        conv(b, 21, 3, false),
                        conv(b, 5, 1, true),
                        scan(b, 37, 4))
                        .map(op -> Arguments.of(b, op)));
    }

    private static Stateful ssd(Backend backend, SsdSettings s) {
        int h = s.heads();
        Tensor dtBias = random(backend, 1, h);
        Tensor aLog = random(backend, 2, h);
        Tensor d = random(backend, 3, h);
        return new Stateful(
                "ssdScan " + s,
                new int[] {h * s.headDim() + 2 * s.groups() * s.dState(), h},
                new int[] {h, s.headDim(), s.dState()},
                (in, state) -> SsdScanOp.ssdScan(in[0], in[1], dtBias, aLog, d, state, s));
    }

    private static Stateful conv(Backend backend, int channels, int width, boolean silu) {
        Tensor w = random(backend, 4, channels, 1, width);
        Tensor bias = random(backend, 5, channels);
        return new Stateful(
                "causalConv1d " + channels + " width " + width,
                new int[] {channels},
                new int[] {channels, width},
                (in, state) -> CausalConv1dOp.causalConv1d(in[0], w, bias, state, silu));
    }

    private static Stateful scan(Backend backend, int channels, int dState) {
        Tensor bias = random(backend, 6, channels);
        Tensor aLog = random(backend, 7, channels, dState);
        return new Stateful(
                "selectiveScan " + channels + " dState " + dState,
                new int[] {channels, channels, dState, dState},
                new int[] {channels, dState},
                (in, state) -> SelectiveScanOp.selectiveScan(in[0], in[1], bias, aLog, in[2], in[3], null, state));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("cases")
    void partsAndSingleElementsEqualTheWhole(Backend backend, Stateful op) {
        float[][] inputs = inputs(op);
        Tensor wholeState = initialState(backend, op, BATCH);
        float[] whole = op.op.run(tensors(backend, op, inputs, 0, BATCH, 0, LENGTH), wholeState).toFloats();
        for (int[] parts : PARTS) {
            Tensor state = initialState(backend, op, BATCH);
            int columns = whole.length / (BATCH * LENGTH);
            float[] joined = new float[whole.length];
            int t = 0;
            for (int length : parts) {
                float[] y = op.op.run(tensors(backend, op, inputs, 0, BATCH, t, length), state).toFloats();
                for (int b = 0; b < BATCH; b++) {
                    System.arraycopy(y, b * length * columns, joined, (b * LENGTH + t) * columns, length * columns);
                }
                t += length;
            }
            boolean exact = op.name.startsWith("causalConv1d");
            expectEqual(joined, whole, exact, parts.length + " parts: y");
            expectEqual(state.toFloats(), wholeState.toFloats(), exact, parts.length + " parts: final state");
        }
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("cases")
    void aSequenceDoesNotDependOnItsBatch(Backend backend, Stateful op) {
        float[][] inputs = inputs(op);
        for (int length : new int[] {1, LENGTH}) {
            Tensor state = initialState(backend, op, BATCH);
            float[] together = op.op.run(tensors(backend, op, inputs, 0, BATCH, 0, length), state).toFloats();
            float[] states = state.toFloats();
            for (int b = 0; b < BATCH; b++) {
                Tensor own =
                        Tensor.of(backend, stateShape(op, 1), slice(initialState(backend, op, BATCH).toFloats(), b));
                float[] alone = op.op.run(tensors(backend, op, inputs, b, 1, 0, length), own).toFloats();
                assertThat(alone).as("y of sequence %d", b).isEqualTo(slice(together, b));
                assertThat(own.toFloats()).as("state of sequence %d", b).isEqualTo(slice(states, b));
            }
        }
    }

    private static void expectEqual(float[] got, float[] expected, boolean exact, String what) {
        if (exact) {
            assertThat(got).as(what).isEqualTo(expected);
            return;
        }
        double error = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            error += Math.pow((double) got[i] - expected[i], 2);
            norm += Math.pow(expected[i], 2);
        }
        assertThat(Math.sqrt(error / norm)).as(what).isLessThan(2e-6);
    }

    private static float[][] inputs(Stateful op) {
        float[][] inputs = new float[op.inputSizes.length][];
        for (int i = 0; i < inputs.length; i++) {
            inputs[i] = values(100 + i, BATCH * LENGTH * op.inputSizes[i]);
        }
        return inputs;
    }

    /** The part of {@code length} elements from {@code t} on, of sequences {@code [b, b + batch)}. */
    private static Tensor[] tensors(Backend backend, Stateful op, float[][] inputs, int b, int batch, int t,
            int length) {
        Tensor[] tensors = new Tensor[inputs.length];
        for (int i = 0; i < inputs.length; i++) {
            int columns = op.inputSizes[i];
            float[] part = new float[batch * length * columns];
            for (int k = 0; k < batch; k++) {
                int from = ((b + k) * LENGTH + t) * columns;
                System.arraycopy(inputs[i], from, part, k * length * columns, length * columns);
            }
            tensors[i] = Tensor.of(backend, Shape.of(batch, length, columns), part);
        }
        return tensors;
    }

    private static Tensor initialState(Backend backend, Stateful op, int batch) {
        Shape shape = stateShape(op, batch);
        return Tensor.of(backend, shape, values(9, shape.size()));
    }

    private static Shape stateShape(Stateful op, int batch) {
        int[] dims = new int[op.stateDims.length + 1];
        dims[0] = batch;
        System.arraycopy(op.stateDims, 0, dims, 1, op.stateDims.length);
        return Shape.of(dims);
    }

    private static float[] slice(float[] values, int b) {
        int size = values.length / BATCH;
        return Arrays.copyOfRange(values, b * size, (b + 1) * size);
    }

    private static Tensor random(Backend backend, long seed, int... dims) {
        Shape shape = Shape.of(dims);
        return Tensor.of(backend, shape, values(seed, shape.size()));
    }

    private static float[] values(long seed, int n) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextDouble(-1, 1);
        }
        return values;
    }
}
