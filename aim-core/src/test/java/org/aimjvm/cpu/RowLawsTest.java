package org.aimjvm.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.BackendProvider;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.ModulateOp;
import org.aimjvm.op.elementwise.PointwiseOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.op.norm.GatedRmsNormOp;
import org.aimjvm.op.norm.GroupNormOp;
import org.aimjvm.op.norm.L2NormalizeOp;
import org.aimjvm.op.norm.LayerNormOp;
import org.aimjvm.op.norm.RmsNormOp;
import org.aimjvm.op.softmax.CrossEntropyOp;
import org.aimjvm.op.softmax.SoftmaxOp;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Operations on rows: a row does not feel its neighbours, down to the last bit, and a NaN in it is not lost. */
@EverySimdWidth
class RowLawsTest {
    /** Several pieces of a kernel, and a tail after the vectors of any width. */
    private static final int ROWS = 211;

    private static final int COLS = 189;

    private record RowOp(String name, UnaryOperator<Tensor> op) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static List<RowOp> ops(Backend b) {
        Tensor w = Tensor.of(b, Shape.of(COLS), values(COLS, 5));
        Tensor bias = Tensor.of(b, Shape.of(COLS), values(COLS, 6));
        Tensor channels = Tensor.of(b, Shape.of(9), values(9, 7));
        return List.of(
                new RowOp("silu", PointwiseOp::silu),
                new RowOp("softplus", PointwiseOp::softplus),
                new RowOp("rmsNorm", x -> RmsNormOp.rmsNorm(x, w, 1e-5f)),
                new RowOp("gatedRmsNorm", x -> GatedRmsNormOp.gatedRmsNorm(x, x, w, 1, false, 1e-5f)),
                new RowOp("gatedRmsNorm grouped", x -> GatedRmsNormOp.gatedRmsNorm(x, x, w, 3, true, 1e-5f)),
                new RowOp("layerNorm", x -> LayerNormOp.layerNorm(x, w, bias, 1e-5f)),
                new RowOp("groupNorm", x -> {
                    Tensor pictures = x.reshape(x.dim(0), 9, 3, 7);
                    return GroupNormOp.groupNorm(pictures, channels, channels, 3, 1e-6f, true).reshape(x.shape());
                }),
                new RowOp("l2Normalize", x -> L2NormalizeOp.l2Normalize(x, 1e-12f)),
                new RowOp("softmax", x -> SoftmaxOp.softmax(x, 1.3f)),
                new RowOp("crossEntropy", x -> {
                    int[] targets = new int[x.dim(0)];
                    Arrays.fill(targets, 17);
                    return CrossEntropyOp.crossEntropy(x, Tensor.ofInts(b, Shape.of(targets.length), targets))
                            .reshape(x.dim(0), 1);
                }),
                new RowOp("modulate", x -> ModulateOp.modulate(x.reshape(x.dim(0), 1, COLS), x, x).reshape(x.shape())));
    }

    static Stream<Arguments> opsOnBackends() {
        return Stream.of(new ScalarBackendProvider(), new VectorBackendProvider())
                .filter(p -> p.availability().available())
                .map((BackendProvider p) -> p.open(2))
                .flatMap(b -> ops(b).stream().map(op -> Arguments.of(b, op)));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("opsOnBackends")
    void rowHasTheSameBitsAloneAndInABatch(Backend backend, RowOp op) {
        float[] x = values(ROWS * COLS, 1);
        float[][] batch = outputAndGradient(backend, op, x, ROWS);
        int outCols = batch[0].length / ROWS;
        for (int row : new int[] {0, 1, ROWS / 2, ROWS - 1}) {
            float[][] alone = outputAndGradient(backend, op, row(x, row, COLS), 1);
            assertThat(alone[0]).as("row %d", row).isEqualTo(row(batch[0], row, outCols));
            assertThat(alone[1]).as("gradient of row %d", row).isEqualTo(row(batch[1], row, COLS));
        }
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("opsOnBackends")
    void nanStaysInItsRowAndIsNotLost(Backend backend, RowOp op) {
        int rows = 5;
        float[] x = values(rows * COLS, 2);
        float[][] clean = outputAndGradient(backend, op, x, rows);
        int outCols = clean[0].length / rows;
        for (int column : new int[] {0, 40, COLS - 1}) {
            float[] dirty = x.clone();
            dirty[2 * COLS + column] = Float.NaN;
            float[][] got = outputAndGradient(backend, op, dirty, rows);
            for (int row = 0; row < rows; row++) {
                if (row == 2) {
                    assertThat(hasNaN(row(got[0], row, outCols))).as("NaN at column %d comes out", column).isTrue();
                    assertThat(hasNaN(row(got[1], row, COLS))).as("NaN at column %d, gradient", column).isTrue();
                } else {
                    assertThat(row(got[0], row, outCols)).isEqualTo(row(clean[0], row, outCols));
                    assertThat(row(got[1], row, COLS)).isEqualTo(row(clean[1], row, COLS));
                }
            }
        }
    }

    private static float[][] outputAndGradient(Backend backend, RowOp op, float[] x, int rows) {
        try (Scope _ = Scope.training()) {
            Tensor p = Tensor.parameter(backend, Shape.of(rows, COLS), x);
            Tensor y = op.op.apply(p);
            float[] oneRow = values(y.dim(1), 3);
            float[] weights = new float[y.size()];
            for (int i = 0; i < weights.length; i++) {
                weights[i] = oneRow[i % oneRow.length];
            }
            Tensor loss = ReduceOp.sum(ArithmeticOp.mul(y, Tensor.of(backend, y.shape(), weights)));
            return new float[][] {y.toFloats(), loss.backward().of(p).toFloats()};
        }
    }

    private static float[] values(int n, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextDouble(-3, 3);
        }
        return values;
    }

    private static float[] row(float[] x, int row, int cols) {
        return Arrays.copyOfRange(x, row * cols, (row + 1) * cols);
    }

    private static boolean hasNaN(float[] x) {
        for (float v : x) {
            if (Float.isNaN(v)) {
                return true;
            }
        }
        return false;
    }
}
