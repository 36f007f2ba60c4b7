package org.aimjvm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.backend.Quantization;
import org.aimjvm.backend.Storage;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.backend.WeightMatrix;
import org.aimjvm.cpu.memory.HeapStorage;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Linear layers whose weights are held in each format: values, order of additions, independence of rows and threads.
 */
@EverySimdWidth
class FrozenWeightsTest {
    private static final float GUARD = 4321f;

    private final VectorBackend vector = new VectorBackend(2);
    private final ScalarBackend scalar = new ScalarBackend();

    @BeforeAll
    static void theModuleIsThere() {
        assumeTrue(new VectorBackendProvider().availability().available(), "the Vector module is not resolved");
    }

    /** Sizes around a vector, a panel, a block of depth, a group of sums; the shapes of AiM-B's out_proj, cut. */
    static Stream<Arguments> cases() {
        int[][] sizes = {
            {1, 1}, {3, 5}, {16, 32}, {17, 33}, {31, 64}, {33, 31}, {64, 96}, {65, 288}, {129, 257}, {300, 544},
            {768, 160}
        };
        return Arrays.stream(sizes)
                .flatMap(s -> Arrays.stream(WeightFormat.values()).map(f -> Arguments.of(f, s[0], s[1])));
    }

    @ParameterizedTest(name = "{0}, {1} x {2}")
    @MethodSource("cases")
    void productsAreThoseOfTheScalarBackend(WeightFormat format, int out, int in) {
        WeightMatrix w = matrix(out, in);
        Storage fast = vector.weights(w, format);
        Storage plain = scalar.weights(w, format);
        assertThat(values(fast, out * in)).isEqualTo(values(plain, out * in));
        for (int rows : new int[] {1, 2, 3, 4, 5, 13}) {
            float[] x = random(rows * in, rows);
            float[] expected = new float[rows * out];
            scalar.gemm().linear(new HeapStorage(expected), new HeapStorage(x), plain, rows, out, in);
            float[] y = linear(vector, fast, x, rows, out, in);
            double scale = Math.sqrt(in) * 2e-6;
            for (int i = 0; i < expected.length; i++) {
                assertThat((double) y[i]).as("rows %d, element %d", rows, i)
                        .isCloseTo(expected[i], org.assertj.core.data.Offset.offset(scale * 4));
            }
        }
    }

    @ParameterizedTest(name = "{0}, {1} x {2}")
    @MethodSource("cases")
    void aRowDoesNotFeelItsNeighboursNorTheNumberOfThreads(WeightFormat format, int out, int in) {
        WeightMatrix w = matrix(out, in);
        Storage weights = vector.weights(w, format);
        VectorBackend alone = new VectorBackend(1);
        for (int rows : new int[] {2, 3, 4, 5, 6, 23, 100}) {
            float[] x = random(rows * in, 7);
            float[] together = linear(vector, weights, x, rows, out, in);
            assertThat(linear(alone, alone.weights(w, format), x, rows, out, in)).isEqualTo(together);
            for (int r = 0; r < rows; r++) {
                float[] one = linear(vector, weights, Arrays.copyOfRange(x, r * in, (r + 1) * in), 1, out, in);
                assertThat(Arrays.copyOfRange(together, r * out, (r + 1) * out)).as("row %d of %d", r, rows)
                        .isEqualTo(one);
            }
        }
    }

    @ParameterizedTest(name = "{0} x {1}")
    @CsvSource({"1, 1", "17, 33", "65, 288", "129, 257", "300, 544"})
    void bf16HasTheBitsOfPlainProductsWithTheSameValues(int out, int in) {
        Storage weights = vector.weights(matrix(out, in), WeightFormat.BF16);
        Storage plain = new HeapStorage(values(weights, out * in));
        for (int rows : new int[] {1, 2, 7, 17, 23}) {
            float[] x = random(rows * in, 3);
            assertThat(linear(vector, weights, x, rows, out, in)).isEqualTo(linear(vector, plain, x, rows, out, in));
        }
    }

    @ParameterizedTest(name = "{0}, {1} x {2}")
    @MethodSource("cases")
    void tableRowsAreTheMatrixRows(WeightFormat format, int out, int in) {
        Storage weights = vector.weights(matrix(out, in), format);
        int[] ids = {out - 1, 0, out / 2};
        float[] y = new float[ids.length * in];
        vector.index().embedding(new HeapStorage(y), weights, new HeapStorage(ids), ids.length, out, in);
        float[] all = values(weights, out * in);
        for (int r = 0; r < ids.length; r++) {
            assertThat(Arrays.copyOfRange(y, r * in, (r + 1) * in))
                    .isEqualTo(Arrays.copyOfRange(all, ids[r] * in, (ids[r] + 1) * in));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {61, 64})
    void mappedRowsAreUsedWhereTheyLieAtAnyAlignment(int in) {
        int out = 37;
        float[] w = random(out * in, 5);
        MemorySegment odd = Arena.ofAuto().allocate(4L * w.length + 3).asSlice(3);
        MemorySegment.copy(w, 0, odd, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, w.length);
        Storage mapped = vector.weights(new WeightMatrix.Mapped(out, in, odd), WeightFormat.F32);
        Storage copied = vector.weights(floats(w, out, in), WeightFormat.F32);
        float[] x = random(3 * in, 6);
        assertThat(linear(vector, mapped, x, 3, out, in)).isEqualTo(linear(vector, copied, x, 3, out, in));
        odd.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 0, 1e9f);
        assertThat(values(mapped, 1)).containsExactly(1e9f);
    }

    @Test
    void notANumberIsNotLost() {
        for (WeightFormat format : WeightFormat.values()) {
            Storage weights = vector.weights(matrix(40, 64), format);
            float[] x = random(3 * 64, 1);
            x[64 + 5] = Float.NaN;
            float[] y = linear(vector, weights, x, 3, 40, 64);
            for (int i = 0; i < y.length; i++) {
                assertThat(Float.isNaN(y[i])).as("%s, element %d", format, i).isEqualTo(i / 40 == 1);
            }
        }
    }

    @Test
    void rowsOfZerosStayZero() {
        for (WeightFormat format : WeightFormat.values()) {
            Storage weights = vector.weights(floats(new float[8 * 32], 8, 32), format);
            assertThat(linear(vector, weights, random(32, 1), 1, 8, 32)).containsOnly(0f);
        }
    }

    /**
     * Half a step at most, of the scale that the greatest value of a row or block gives; a step at the coarse end of a
     * block.
     */
    @Test
    void integersAreWithinAStepOfTheWeights() {
        int out = 50;
        int in = 96;
        float[] w = random(out * in, 9);
        float[] w8 = Quantization.int8(w, out, in).floats();
        float[] w4 = Quantization.int4(w, out, in).floats();
        for (int j = 0; j < out; j++) {
            float row = greatest(w, j * in, in);
            for (int b = 0; b < in; b += 32) {
                float block = greatest(w, j * in + b, 32);
                for (int k = j * in + b; k < j * in + b + 32; k++) {
                    assertThat(Math.abs(w8[k] - w[k])).isLessThanOrEqualTo(row / 127 * 0.501f);
                    assertThat(Math.abs(w4[k] - w[k])).isLessThanOrEqualTo(block / 8 * 1.2f);
                }
            }
        }
        assertThat(error(w8, w)).isLessThan(0.006);
        assertThat(error(w4, w)).isLessThan(0.09);
    }

    private static double error(float[] a, float[] b) {
        double squares = 0;
        double norm = 0;
        for (int i = 0; i < a.length; i++) {
            squares += (a[i] - b[i]) * (a[i] - b[i]);
            norm += b[i] * b[i];
        }
        return Math.sqrt(squares / norm);
    }

    private static float greatest(float[] w, int at, int n) {
        float greatest = 0;
        for (int k = at; k < at + n; k++) {
            greatest = Math.max(greatest, Math.abs(w[k]));
        }
        return greatest;
    }

    private static float[] linear(VectorBackend backend, Storage w, float[] x, int rows, int out, int in) {
        float[] y = new float[rows * out + 5];
        Arrays.fill(y, GUARD);
        backend.gemm().linear(new HeapStorage(y), new HeapStorage(x), w, rows, out, in);
        assertThat(Arrays.copyOfRange(y, rows * out, y.length)).containsOnly(GUARD);
        return Arrays.copyOf(y, rows * out);
    }

    private float[] values(Storage storage, int count) {
        float[] values = new float[count];
        vector.read(storage, 0, values, 0, count);
        return values;
    }

    private static WeightMatrix matrix(int out, int in) {
        return floats(random(out * in, out + in), out, in);
    }

    private static WeightMatrix floats(float[] w, int out, int in) {
        return new WeightMatrix.Floats(out, in, WeightFormat.F32, w::clone);
    }

    private static float[] random(int n, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextDouble(-1, 1);
        }
        return values;
    }
}
