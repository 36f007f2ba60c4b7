package org.aimjvm.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.GemmShape;
import org.aimjvm.backend.MatmulPrecision;
import org.aimjvm.backend.Quantization;
import org.aimjvm.backend.Storage;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.backend.WeightMatrix;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CudaGemmKernelsTest {
    private static final float GUARD = 12345f;
    private static final int BEHIND = 64;

    /** Greatest error of an element, divided by the root of the sum of its squared products. */
    private static double tolerance(MatmulPrecision p) {
        return switch (p) {
            case F32 -> 2e-6;
            case BF16X3 -> 3e-5;
            case TF32 -> 2e-3;
            case BF16 -> 1e-2;
        };
    }

    private static float[] random(int n, long seed) {
        SplittableRandom r = new SplittableRandom(seed);
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) r.nextDouble(-1, 1);
        }
        return x;
    }

    /** On the device, with NaN after it. */
    private static Storage input(CudaBackend b, float[] x) {
        float[] more = Arrays.copyOf(x, x.length + BEHIND);
        Arrays.fill(more, x.length, more.length, Float.NaN);
        return output(b, more);
    }

    private static Storage output(CudaBackend b, float[] x) {
        Storage s = b.allocate(DType.F32, x.length);
        b.write(s, 0, x, 0, x.length);
        return s;
    }

    private static float[] read(CudaBackend b, Storage s) {
        float[] x = new float[s.size()];
        b.read(s, 0, x, 0, x.length);
        return x;
    }

    private static void checkGemm(
            CudaBackend b, int batch, int m, int n, int k, boolean transA, boolean transB, boolean accumulate) {
        float[] as = random(batch * m * k, 1);
        float[] bs = random(batch * n * k, 2);
        float[] cs = Arrays.copyOf(random(batch * m * n, 3), batch * m * n + BEHIND);
        Arrays.fill(cs, batch * m * n, cs.length, GUARD);
        Storage c = output(b, cs);
        b.gemm().gemm(c, input(b, as), input(b, bs), new GemmShape(batch, m, n, k, transA, transB), accumulate);
        float[] got = read(b, c);
        double worst = 0;
        for (int p = 0; p < batch; p++) {
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    double sum = 0;
                    double squares = 1e-30;
                    for (int q = 0; q < k; q++) {
                        double product = (double) as[p * m * k + (transA ? q * m + i : i * k + q)]
                                * bs[p * n * k + (transB ? j * k + q : q * n + j)];
                        sum += product;
                        squares += product * product;
                    }
                    int at = (p * m + i) * n + j;
                    double expected = accumulate ? cs[at] + sum : sum;
                    if (accumulate) {
                        squares += cs[at] * cs[at];
                    }
                    double error = Math.abs(got[at] - expected) / Math.sqrt(squares);
                    worst = Math.max(worst, Double.isNaN(error) ? Double.MAX_VALUE : error);
                }
            }
        }
        assertThat(worst)
                .as("%s %dx(%d,%d,%d) %s%s%s", b.context().precision(), batch, m, n, k, transA, transB, accumulate)
                .isLessThan(tolerance(b.context().precision()));
        for (int i = batch * m * n; i < got.length; i++) {
            assertThat(got[i]).isEqualTo(GUARD);
        }
    }

    @ParameterizedTest
    @EnumSource
    void products(MatmulPrecision precision) {
        CudaBackend b = CudaTests.backend(precision);
        int[][] sizes =
                {{1, 1, 1, 1}, {2, 3, 5, 17}, {1, 64, 64, 64}, {3, 65, 67, 33}, {1, 68, 132, 100}, {1, 37, 70, 300}};
        for (int[] s : sizes) {
            for (int flags = 0; flags < 8; flags++) {
                checkGemm(b, s[0], s[1], s[2], s[3], (flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0);
            }
        }
        for (int layout = 0; layout < 4; layout++) { // batches that make the tiles large
            checkGemm(b, 2 * b.context().gpu().multiprocessors(), 66, 1, 9, (layout & 1) != 0, (layout & 2) != 0,
                    false);
        }
        checkGemm(b, 3, 200, 196, 70, false, true, true);
        checkGemm(b, 0, 4, 4, 4, false, false, false);
        checkGemm(b, 2, 4, 4, 0, false, false, false);
    }

    /** Weights as they are stored. */
    private static float[] stored(WeightMatrix m) {
        float[] w = m.floats();
        if (m.format() == WeightFormat.BF16) {
            for (int i = 0; i < w.length; i++) {
                w[i] = Quantization.toBf16(w[i]);
            }
        }
        return w;
    }

    private static void checkLinear(CudaBackend b, WeightFormat format, int rows, int out, int in, double tolerance) {
        float[] ws = random(out * in, 4);
        WeightMatrix matrix = new WeightMatrix.Floats(out, in, WeightFormat.F32, () -> ws).to(format);
        float[] w = stored(matrix);
        float[] xs = random(rows * in, 5);
        float[] ys = new float[rows * out + BEHIND];
        Arrays.fill(ys, rows * out, ys.length, GUARD);
        Storage y = output(b, ys);
        b.gemm().linear(y, input(b, xs), b.weights(matrix, format), rows, out, in);
        float[] got = read(b, y);
        double worst = 0;
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < out; j++) {
                double sum = 0;
                double squares = 1e-30;
                for (int q = 0; q < in; q++) {
                    double product = (double) xs[i * in + q] * w[j * in + q];
                    sum += product;
                    squares += product * product;
                }
                double error = Math.abs(got[i * out + j] - sum) / Math.sqrt(squares);
                worst = Math.max(worst, Double.isNaN(error) ? Double.MAX_VALUE : error);
            }
        }
        assertThat(worst).as("%s (%d,%d,%d)", format, rows, out, in).isLessThan(tolerance);
        for (int i = rows * out; i < got.length; i++) {
            assertThat(got[i]).isEqualTo(GUARD);
        }
    }

    @ParameterizedTest
    @EnumSource
    void linearLayers(WeightFormat format) {
        CudaBackend b = CudaTests.backend();
        for (int rows : new int[] {0, 1, 2, 3, 7, 19, 33}) {
            for (int[] s : new int[][] {{1, 1}, {5, 17}, {9, 32}, {37, 96}, {70, 160}, {3, 1536}}) {
                double tolerance = rows > 32 && format != WeightFormat.F32 ? 2e-5 : 2e-6;
                checkLinear(b, format, rows, s[0], s[1], tolerance);
            }
        }
        checkLinear(b, format, 2, 768, 768, 2e-6);
        checkLinear(b, format, 130, 257, 64, 2e-5); // large tiles
        checkLinear(b, format, 130, 257, 35, 2e-5);
    }

    @Test
    void exactProductsHaveTheSameBitsInEveryBatch() {
        CudaBackend b = CudaTests.backend();
        int rows = 300;
        for (int in : new int[] {35, 200}) {
            int out = 70;
            Storage x = input(b, random(rows * in, 6));
            Storage w = input(b, random(out * in, 7));
            Storage all = b.allocate(DType.F32, rows * out);
            b.gemm().linear(all, x, w, rows, out, in);
            float[] expected = read(b, all);
            for (int few : new int[] {1, 2, 3, 8, 16, 32, 33, 100}) {
                Storage some = b.allocate(DType.F32, few * out);
                b.gemm().linear(some, x, w, few, out, in);
                assertThat(read(b, some)).as("%d rows", few).isEqualTo(Arrays.copyOf(expected, few * out));
                b.gemm().gemm(some, x, w, GemmShape.transposedB(few, out, in), false);
                assertThat(read(b, some)).as("%d rows", few).isEqualTo(Arrays.copyOf(expected, few * out));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void fewRowsHaveTheSameBits(WeightFormat format) {
        CudaBackend b = CudaTests.backend();
        int rows = 32;
        int out = 45;
        int in = 352;
        float[] ws = random(out * in, 8);
        Storage w = b.weights(new WeightMatrix.Floats(out, in, WeightFormat.F32, () -> ws), format);
        Storage x = input(b, random(rows * in, 9));
        Storage all = b.allocate(DType.F32, rows * out);
        b.gemm().linear(all, x, w, rows, out, in);
        float[] expected = read(b, all);
        for (int few : new int[] {1, 2, 4, 7, 16}) {
            Storage some = b.allocate(DType.F32, few * out);
            b.gemm().linear(some, x, w, few, out, in);
            assertThat(read(b, some)).as("%d rows", few).isEqualTo(Arrays.copyOf(expected, few * out));
        }
    }

    @Test
    void notANumberStaysInItsRow() {
        CudaBackend b = CudaTests.backend();
        for (int rows : new int[] {2, 300}) {
            int n = 70;
            float[] xs = random(rows * n, 10);
            xs[n + 3] = Float.NaN;
            Storage y = b.allocate(DType.F32, rows * n);
            b.gemm().linear(y, input(b, xs), input(b, random(n * n, 11)), rows, n, n);
            float[] ys = read(b, y);
            for (int i = 0; i < rows * n; i++) {
                assertThat(Float.isNaN(ys[i])).isEqualTo(i / n == 1);
            }
        }
    }
}
