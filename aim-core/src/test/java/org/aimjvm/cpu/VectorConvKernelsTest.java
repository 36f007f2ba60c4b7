package org.aimjvm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.backend.Conv2dShape;
import org.aimjvm.backend.Conv2dShape.Padding;
import org.aimjvm.cpu.conv.VectorConvKernels;
import org.aimjvm.cpu.gemm.VectorGemmKernels;
import org.aimjvm.cpu.memory.HeapStorage;
import org.aimjvm.cpu.memory.Parallel;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Convolutions as matrix products, whose pictures may share one. */
@EverySimdWidth
class VectorConvKernelsTest {
    private final Parallel parallel = new Parallel(2);
    private final VectorConvKernels kernels = new VectorConvKernels(parallel, new VectorGemmKernels(parallel));

    @BeforeAll
    static void theModuleIsThere() {
        assumeTrue(new VectorBackendProvider().availability().available(), "the Vector module is not resolved");
    }

    @ParameterizedTest(name = "{0} channels of {1} x {2} to {3}, stride {4}")
    @CsvSource({"128, 5, 6, 80, 1", "128, 10, 8, 70, 2", "6, 5, 6, 4, 1", "40, 7, 7, 1, 1"})
    void aPictureHasTheSameBitsInAnyBatch(int in, int height, int width, int out, int stride) {
        int batch = 19;
        Conv2dShape s = shape(batch, in, height, width, out, stride);
        Conv2dShape single = shape(1, in, height, width, out, stride);
        float[] x = random(batch * in * height * width, 1);
        float[] w = random(out * s.filterSize(), 2);
        float[] bias = random(out, 3);
        float[] dy = random(batch * out * s.outHeight() * s.outWidth(), 4);
        float[] all = forward(x, w, bias, s);
        float[] dx = backward(dy, w, s);
        for (int n : new int[] {0, 7, batch - 1}) {
            assertThat(forward(part(x, n, batch), w, bias, single)).isEqualTo(part(all, n, batch));
            assertThat(backward(part(dy, n, batch), w, single)).isEqualTo(part(dx, n, batch));
        }
    }

    private static Conv2dShape shape(int batch, int in, int height, int width, int out, int stride) {
        return new Conv2dShape(batch, in, height, width, out, 4, 4, stride, Padding.even(1));
    }

    private float[] forward(float[] x, float[] w, float[] bias, Conv2dShape s) {
        float[] y = new float[s.batch() * s.outChannels() * s.outHeight() * s.outWidth()];
        kernels.conv2d(new HeapStorage(y), new HeapStorage(x), new HeapStorage(w), new HeapStorage(bias), s);
        return y;
    }

    private float[] backward(float[] dy, float[] w, Conv2dShape s) {
        float[] dx = new float[s.batch() * s.inChannels() * s.inHeight() * s.inWidth()];
        kernels.conv2dBackwardInput(new HeapStorage(dx), new HeapStorage(dy), new HeapStorage(w), s);
        return dx;
    }

    private static float[] part(float[] all, int n, int batch) {
        return Arrays.copyOfRange(all, n * all.length / batch, (n + 1) * all.length / batch);
    }

    private static float[] random(int n, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) random.nextDouble(-1, 1);
        }
        return x;
    }
}
