package org.aimjvm.op.conv;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.stream.Stream;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.TestBackends;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.tensor.Gradients;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Kernels of one row and of one column, padded in their own direction alone, as InceptionV3 has them. All numbers are
 * small integers, so every order of sums gives the same; what is expected was computed in NumPy by loops over the
 * definition, in 64-bit integers.
 */
@EverySimdWidth
class LongKernelConvTest {
    private static final int PAD = 3;

    /** What a convolution and its gradients came to. */
    private record Result(float[] y, float[] dX, float[] dW, float[] dBias) {}

    static Stream<Backend> backends() {
        return TestBackends.available().stream();
    }

    /** {@code (a i^2 + i + b) mod m - m / 2}, rounded down. */
    private static float[] numbers(int n, int a, int b, int m) {
        float[] values = new float[n];
        for (long i = 0; i < n; i++) {
            values[(int) i] = (i * i * a + i + b) % m - m / 2;
        }
        return values;
    }

    private static Tensor parameter(Backend backend, float[] values, int... dims) {
        return Tensor.parameter(backend, Shape.of(dims), values);
    }

    /** A convolution that keeps the picture's size. */
    private static Result conv(Backend b, int batch, int in, int height, int width, int out, boolean row) {
        int kernelHeight = row ? 1 : 7;
        int kernelWidth = row ? 7 : 1;
        int padTop = row ? 0 : PAD;
        int padLeft = row ? PAD : 0;
        float[] bias = new float[out];
        for (int o = 0; o < out; o++) {
            bias[o] = 10 * (o + 1);
        }
        try (Scope _ = Scope.training()) {
            Tensor x = parameter(b, numbers(batch * in * height * width, 7, 3, 13), batch, in, height, width);
            Tensor w = parameter(b, numbers(out * in * 7, 5, 1, 11), out, in, kernelHeight, kernelWidth);
            Tensor o = parameter(b, bias, out);
            Tensor y = Conv2dOp.conv2d(x, w, o, 1, padTop, padLeft, padTop, padLeft);
            assertThat(y.shape()).isEqualTo(Shape.of(batch, out, height, width));
            Tensor dY = Tensor.of(b, y.shape(), numbers(y.size(), 3, 2, 7));
            Gradients g = ReduceOp.sum(ArithmeticOp.mul(y, dY)).backward();
            return new Result(y.toFloats(), g.of(x).toFloats(), g.of(w).toFloats(), g.of(o).toFloats());
        }
    }

    private static final Result ROW = new Result(
            new float[] {
                48, 70, 37, 16, -27, -24, -2, 14, 35, 25, 4, -5, -2, 31, 58, -5, 10, -27, -7, -22, -25,
                40, 58, 31, 27, -32, -7, -37, -78, -44, 3, 19, 43, 47, 30, 3, -42, 59, 30, 71, -49, -57,
                -4, 78, 53, 63, 67, 50, 20, -54, 49, 10, 50, 3},
            new float[] {
                -19, 7, -11, 8, 9, 0, 5, -16, 8, -25, -10, 27, 0, 9, -13, 26, -9, 5, 9, -14, 17, -13,
                18, -10, 12, -3, 5, -19, 10, -26, 25, -6, -15, 0, 6, 18, -15, 13, 11, -15, 5, -16, 30,
                -16, 20, 8, -33, 14, -16, 20, -20, 30, -8, 2},
            new float[] {
                27, -20, -27, -40, -38, -58, 4, -20, -9, -32, -30, -44, -5, -13, 0, -19, -24, -43, -43,
                -8, -10, -1, -16, -38, -29, -17, -8, -14},
            new float[] {27, 26});

    private static final Result COLUMN = new Result(
            new float[] {
                -38, -19, 10, 50, 3, -48, 20, 74, 53, 48, -44, 1, 1, -44, 48, 56, 71, 15, -57, 12, 45,
                -11, 2, -67, -8, 19, 4, 16, -15, 47, 80, 139, 90, 8, -22, 8, -84, -51, -62, -13, 31,
                -34, 39, 107, 118, 91, 15, 4, 17, -43, 6, 20, 33, 30},
            new float[] {
                -2, -1, -18, 2, 13, -34, 15, 9, 5, -17, -1, 47, -27, 8, 5, 6, -17, -1, 51, -31, 20, -7,
                9, -12, -6, 43, -21, -1, -2, 7, -12, -13, 14, -21, -6, -3, 11, -22, 16, 13, -24, -4, 3,
                11, -22, 21, 8, -9, -6, 17, 2, -2, 13, -5},
            new float[] {
                -25, -55, 18, -40, -23, -6, -16, -21, -20, -33, -30, -9, -27, 3, -20, -22, -24, -43, -6,
                -37, -1, -26, -34, -30, -29, -15, -6, 3},
            new float[] {27, 26});

    @ParameterizedTest
    @MethodSource("backends")
    void oneRow(Backend backend) {
        assertThat(conv(backend, 1, 2, 3, 9, 2, true)).usingRecursiveComparison().isEqualTo(ROW);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void oneColumn(Backend backend) {
        assertThat(conv(backend, 1, 2, 9, 3, 2, false)).usingRecursiveComparison().isEqualTo(COLUMN);
    }

    /** {@code 31 h + v} over the values, from 0. */
    private static int hash(float[] values) {
        int hash = 0;
        for (float v : values) {
            assertThat(v).isEqualTo((int) v);
            hash = 31 * hash + (int) v;
        }
        return hash;
    }

    /** The pictures of Mixed_6b to 6e, with more than a vector's channels. */
    @ParameterizedTest
    @MethodSource("backends")
    void seventeenBySeventeen(Backend backend) {
        Map<Boolean, int[]> expected = Map.of(
                true, new int[] {-1836564955, 577490526, 1555450111, -266305120},
                false, new int[] {1805039182, -383135061, -1584133451, -266305120});
        expected.forEach((row, hashes) -> {
            Result r = conv(backend, 2, 12, 17, 17, 20, row);
            assertThat(new int[] {hash(r.y), hash(r.dX), hash(r.dW), hash(r.dBias)}).isEqualTo(hashes);
        });
    }
}
