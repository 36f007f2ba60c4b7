package org.aimjvm.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.aimjvm.backend.Quantization;
import org.aimjvm.backend.Storage;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.backend.WeightMatrix;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CudaIndexKernelsTest {
    @BeforeAll
    static void available() {
        CudaTests.backend();
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "7, 5, 33", "3, 1001, 768", "0, 4, 3"})
    void embedding(int rows, int vocab, int dim) {
        Twin table = Twin.random(1, -1, 1, vocab * dim);
        Twin ids = Twin.ints(2, vocab, rows);
        Twin y = Twin.output(rows * dim);
        Twin.run(b -> b.index().embedding(y.on(b), table.on(b), ids.on(b), rows, vocab, dim));
        y.assertSame("y");
    }

    @Test
    void embeddingOfAnUnknownIdIsNaN() {
        Twin table = Twin.of(1f, 2f, 3f, 4f);
        Twin ids = Twin.of(1, 2, -1, 0);
        Twin y = Twin.output(8);
        CudaBackend b = CudaTests.backend();
        b.index().embedding(y.on(b), table.on(b), ids.on(b), 4, 2, 2);
        float nan = Float.NaN;
        assertThat(y.device()).containsExactly(3, 4, nan, nan, nan, nan, 1, 2);
    }

    @ParameterizedTest
    @CsvSource({
        "F32, 5, 33", "BF16, 5, 33", "INT8, 5, 33", "INT4, 5, 64", "INT4, 7, 96", "INT4, 3, 33", "BF16, 9, 768",
        "INT8, 9, 768", "INT4, 9, 768"})
    void embeddingOfWeights(WeightFormat format, int vocab, int dim) {
        float[] values = Twin.floats(1, -1, 1, vocab * dim);
        WeightMatrix given = new WeightMatrix.Floats(vocab, dim, WeightFormat.F32, values::clone);
        CudaBackend b = CudaTests.backend();
        Storage weights = b.weights(given, format);
        float[] expected = expected(given.to(format));
        float[] widened = new float[vocab * dim];
        b.read(weights, 0, widened, 0, widened.length);
        assertThat(widened).as("widened").isEqualTo(expected);
        float[] some = new float[dim];
        b.read(weights, dim, some, 0, dim);
        assertThat(some).as("part").isEqualTo(Arrays.copyOfRange(expected, dim, 2 * dim));

        int rows = 11;
        Twin ids = Twin.ints(3, vocab, rows);
        Twin y = Twin.output(rows * dim);
        b.index().embedding(y.on(b), weights, ids.on(b), rows, vocab, dim);
        int[] id = ids.deviceInts();
        float[] got = y.device();
        for (int r = 0; r < rows; r++) {
            assertThat(Arrays.copyOfRange(got, r * dim, (r + 1) * dim)).as("row " + r)
                    .isEqualTo(Arrays.copyOfRange(expected, id[r] * dim, (id[r] + 1) * dim));
        }
    }

    /** The numbers that a matrix stands for. */
    private static float[] expected(WeightMatrix m) {
        float[] values = m.floats();
        if (m.format() == WeightFormat.BF16) {
            for (int i = 0; i < values.length; i++) {
                values[i] = Quantization.toBf16(values[i]);
            }
        }
        return values;
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "7, 5, 33", "700, 3, 5", "300, 70, 17", "5, 33, 1030", "0, 40, 3", "20, 2, 768"})
    void embeddingBackward(int rows, int vocab, int dim) {
        Twin dy = Twin.random(1, -1, 1, rows * dim);
        Twin ids = Twin.ints(2, vocab, rows);
        Twin dTable = Twin.output(vocab * dim);
        Twin.run(b -> b.index().embeddingBackward(dTable.on(b), dy.on(b), ids.on(b), rows, vocab, dim));
        dTable.assertSame("dTable");
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 8", "7, 37, 8", "300, 1030, 8", "3, 5000, 8", "1, 1, 1", "5, 300, 3", "257, 20, 33", "0, 9, 8"})
    void nearestCode(int rows, int entries, int dim) {
        Twin z = Twin.random(1, -1, 1, rows * dim);
        Twin codebook = Twin.random(2, -1, 1, entries * dim);
        Twin codes = Twin.intOutput(rows);
        Twin.run(b -> b.index().nearestCode(codes.on(b), z.on(b), codebook.on(b), rows, entries, dim));
        codes.assertSame("codes");
    }

    @ParameterizedTest
    @CsvSource({"8", "5"})
    void nearestCodeTakesTheFirstOfEqualOnes(int dim) {
        int entries = 900;
        SplittableRandom random = new SplittableRandom(5);
        float[] coarse = new float[entries * dim]; // few values, many ties
        for (int i = 0; i < coarse.length; i++) {
            coarse[i] = random.nextInt(2);
        }
        float[] z = Twin.floats(6, -0.2, 1.2, 40 * dim);
        z[3 * dim] = Float.NaN;
        z[4 * dim] = Float.POSITIVE_INFINITY;
        Twin zs = Twin.of(z);
        Twin codebook = Twin.of(coarse);
        Twin codes = Twin.intOutput(40);
        Twin.run(b -> b.index().nearestCode(codes.on(b), zs.on(b), codebook.on(b), 40, entries, dim));
        codes.assertSame("codes");
        assertThat(codes.deviceInts()[3]).isZero();
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "2, 5, 17", "3, 33, 65", "1, 256, 8", "2, 8, 256", "0, 3, 3", "70000, 1, 2"})
    void transpose(int batch, int rows, int cols) {
        Twin x = Twin.random(1, -1, 1, batch * rows * cols);
        Twin y = Twin.output(batch * rows * cols);
        Twin.run(b -> b.index().transpose(y.on(b), x.on(b), batch, rows, cols));
        y.assertSame("y");
    }
}
