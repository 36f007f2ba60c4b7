package org.aimjvm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.backend.Conv2dShape;
import org.aimjvm.backend.Conv2dShape.Padding;
import org.aimjvm.backend.ConvKernels.Norm;
import org.aimjvm.backend.NormKernels.GroupShape;
import org.aimjvm.cpu.conv.PictureRows;
import org.aimjvm.cpu.conv.VectorConvKernels;
import org.aimjvm.cpu.conv.WinogradConv;
import org.aimjvm.cpu.gemm.VectorGemmKernels;
import org.aimjvm.cpu.memory.HeapStorage;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.rows.VectorNormKernels;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Winograd's algorithm at any size, also where {@link WinogradConv#fits} would not choose it. */
@EverySimdWidth
class WinogradConvTest {
    /** Of the norm, against sums in F64; rounding of 128 channels is 1e-6. */
    private static final double TOLERANCE = 4e-6;

    private Parallel parallel = new Parallel(2);
    private VectorConvKernels kernels = new VectorConvKernels(parallel, new VectorGemmKernels(parallel));
    private WinogradConv winograd = new WinogradConv(parallel);

    @BeforeAll
    static void theModuleIsThere() {
        assumeTrue(new VectorBackendProvider().availability().available(), "the Vector module is not resolved");
    }

    /**
     * Sides of 1, prime, one short of and one past a tile; a block and a picture; channels one past a vector and a
     * tile.
     */
    @ParameterizedTest(name = "batch {0}, {1} channels of {2} x {3} to {4}, padding {5} and {6}")
    @CsvSource({
        "1, 1, 1, 1, 1, 1, 1", "1, 1, 3, 3, 1, 0, 0", "2, 3, 4, 4, 5, 1, 1", "1, 3, 5, 5, 3, 1, 1",
        "3, 5, 7, 13, 6, 1, 1",
        "1, 2, 1, 37, 3, 1, 1", "1, 2, 37, 1, 3, 1, 1", "2, 9, 16, 17, 11, 1, 1", "5, 4, 8, 9, 4, 0, 2",
        "1, 17, 31, 129, 16, 1, 1", "1, 3, 47, 263, 1, 2, 2", "1, 128, 12, 12, 10, 1, 1", "40, 3, 3, 6, 2, 1, 1"
    })
    void equalsSumsInDouble(int batch, int in, int height, int width, int out, int before, int after) {
        Conv2dShape s =
                new Conv2dShape(batch, in, height, width, out, 3, 3, 1, new Padding(before, before, after, after));
        float[] x = random(batch * in * height * width, 1);
        float[] w = random(out * s.filterSize(), 2);
        float[] bias = random(out, 3);
        float[] y = new float[batch * out * s.outHeight() * s.outWidth()];
        float[] residual = random(y.length, 4);
        winograd.forward(y, new PictureRows(x, s, false, null), w, bias, residual, s);
        double error = 0;
        double norm = 0;
        int at = 0;
        for (int n = 0; n < batch; n++) {
            for (int o = 0; o < out; o++) {
                for (int i = 0; i < s.outHeight(); i++) {
                    for (int j = 0; j < s.outWidth(); j++, at++) {
                        double expected = (double) bias[o] + residual[at] + sum(x, w, s, n, o, i, j);
                        error += Math.pow(y[at] - expected, 2);
                        norm += Math.pow(expected, 2);
                    }
                }
            }
        }
        assertThat(Math.sqrt(error / norm)).isLessThan(TOLERANCE);
    }

    private static double sum(float[] x, float[] w, Conv2dShape s, int n, int o, int i, int j) {
        double sum = 0;
        for (int c = 0; c < s.inChannels(); c++) {
            for (int u = 0; u < 3; u++) {
                for (int v = 0; v < 3; v++) {
                    int row = i + u - s.padTop();
                    int col = j + v - s.padLeft();
                    if (row >= 0 && row < s.inHeight() && col >= 0 && col < s.inWidth()) {
                        sum += (double) w[((o * s.inChannels() + c) * 3 + u) * 3 + v]
                                * x[((n * s.inChannels() + c) * s.inHeight() + row) * s.inWidth() + col];
                    }
                }
            }
        }
        return sum;
    }

    /** Small batches are cut by channels, large ones by blocks of several pictures or of a part of one. */
    @ParameterizedTest(name = "{0} channels of {1} x {2} to {3}")
    @CsvSource({"3, 5, 9, 4", "16, 8, 8, 21", "2, 40, 34, 7", "5, 13, 50, 3"})
    void aPictureHasTheSameBitsInAnyBatch(int in, int height, int width, int out) {
        int batch = 37;
        float[] x = random(batch * in * height * width, 5);
        float[] w = random(out * in * 9, 6);
        float[] all = convolve(x, w, batch, in, height, width, out);
        for (int n : new int[] {0, 17, batch - 1}) {
            float[] one = Arrays.copyOfRange(x, n * x.length / batch, (n + 1) * x.length / batch);
            assertThat(convolve(one, w, 1, in, height, width, out))
                    .isEqualTo(Arrays.copyOfRange(all, n * all.length / batch, (n + 1) * all.length / batch));
        }
    }

    private float[] convolve(float[] x, float[] w, int batch, int in, int height, int width, int out) {
        Conv2dShape s = new Conv2dShape(batch, in, height, width, out, 3, 3, 1, Padding.even(1));
        float[] y = new float[batch * out * height * width];
        winograd.forward(y, new PictureRows(x, s, false, null), w, null, null, s);
        return y;
    }

    /** What lies between normalisation, doubling, convolution and addition is not stored, and no bit changes for it. */
    @ParameterizedTest(name = "batch {0}, {1} channels of {2} x {3} to {4}")
    @CsvSource({"2, 12, 6, 10, 5", "1, 16, 42, 70, 3", "3, 4, 8, 12, 6", "1, 8, 2, 2, 3"})
    void fusedKernelsHaveTheBitsOfTheirParts(int batch, int in, int height, int width, int out) {
        Conv2dShape s = new Conv2dShape(batch, in, height, width, out, 3, 3, 1, Padding.even(1));
        int groups = 2;
        HeapStorage x = storage(batch * in * height * width, 7);
        HeapStorage w = storage(out * s.filterSize(), 8);
        HeapStorage bias = storage(out, 9);
        HeapStorage gamma = storage(in, 10);
        HeapStorage beta = storage(in, 11);
        HeapStorage residual = storage(batch * out * height * width, 12);
        HeapStorage stats = new HeapStorage(new float[2 * batch * groups]);
        HeapStorage onlyStats = new HeapStorage(new float[2 * batch * groups]);
        HeapStorage normalized = new HeapStorage(new float[batch * in * height * width]);
        HeapStorage y = new HeapStorage(new float[batch * out * height * width]);
        HeapStorage fused = new HeapStorage(new float[batch * out * height * width]);
        VectorNormKernels norm = new VectorNormKernels(parallel);
        GroupShape shape = new GroupShape(batch, in, height * width, groups);
        norm.groupNorm(normalized, stats, x, gamma, beta, shape, 1e-6f, true);
        norm.groupNorm(null, onlyStats, x, gamma, beta, shape, 1e-6f, true);
        assertThat(HeapStorage.floats(onlyStats)).isEqualTo(HeapStorage.floats(stats));
        kernels.conv2d(y, normalized, w, bias, s);
        float[] sums = HeapStorage.floats(y).clone();
        for (int i = 0; i < sums.length; i++) {
            sums[i] += HeapStorage.floats(residual)[i];
        }
        kernels.normSiluConv2d(fused, x, new Norm(stats, gamma, beta, groups), w, bias, residual, s);
        assertThat(HeapStorage.floats(fused)).isEqualTo(sums);
        kernels.normSiluConv2d(fused, x, new Norm(stats, gamma, beta, groups), w, bias, null, s);
        assertThat(HeapStorage.floats(fused)).isEqualTo(HeapStorage.floats(y));
        HeapStorage half = storage(batch * in * height * width / 4, 13);
        HeapStorage doubled = new HeapStorage(new float[batch * in * height * width]);
        kernels.upsampleNearest2x(doubled, half, batch * in, height / 2, width / 2);
        kernels.conv2d(y, doubled, w, bias, s);
        kernels.upsampleConv2d(fused, half, w, bias, s);
        assertThat(HeapStorage.floats(fused)).isEqualTo(HeapStorage.floats(y));
    }

    private static HeapStorage storage(int n, long seed) {
        return new HeapStorage(random(n, seed));
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
