package org.aimjvm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.backend.GemmShape;
import org.aimjvm.cpu.gemm.VectorGemmKernels;
import org.aimjvm.cpu.memory.HeapStorage;
import org.aimjvm.cpu.memory.Parallel;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Laws of the vector matrix product that are exact: the order of additions, independence of rows, the bounds of writes.
 */
@EverySimdWidth
class VectorGemmKernelsTest {
    private static final float GUARD = 12345f;

    @BeforeAll
    static void theModuleIsThere() {
        assumeTrue(new VectorBackendProvider().availability().available(), "the Vector module is not resolved");
    }

    /** Sizes around one vector, one panel, one tile, one block of depth and one piece of rows. */
    @ParameterizedTest(name = "batch {0}, {1} x {2} x {3}")
    @CsvSource({
        "1, 1, 1, 1", "2, 3, 5, 0", "3, 2, 17, 33", "1, 13, 31, 257", "2, 12, 32, 256", "1, 49, 65, 300",
        "1, 25, 300, 40", "1, 97, 45, 1601", "1, 193, 33, 770", "1, 128, 13, 769", "1, 129, 13, 5", "2, 100, 1100, 3",
        "1, 400, 33, 20", "5, 16, 16, 16"
    })
    void everyElementIsOneChainOfFusedMultiplyAddsInTheOrderOfK(int batch, int m, int n, int k) {
        float[] a = random(batch * m * k, 1);
        float[] b = random(batch * k * n, 2);
        float[] before = random(batch * m * n, 3);
        VectorGemmKernels gemm = new VectorGemmKernels(new Parallel(2));
        for (int variant = 0; variant < 8; variant++) {
            boolean transA = (variant & 1) != 0;
            boolean transB = (variant & 2) != 0;
            boolean accumulate = (variant & 4) != 0;
            float[] c = Arrays.copyOf(before, before.length + 40);
            Arrays.fill(c, before.length, c.length, GUARD);
            gemm.gemm(
                    new HeapStorage(c), new HeapStorage(a), new HeapStorage(b),
                    new GemmShape(batch, m, n, k, transA, transB), accumulate);
            for (int at = 0; at < before.length; at++) {
                int p = at / (m * n);
                int i = at % (m * n) / n;
                int j = at % n;
                float sum = accumulate ? before[at] : 0;
                for (int q = 0; q < k; q++) {
                    float left = a[p * m * k + (transA ? q * m + i : i * k + q)];
                    float right = b[p * k * n + (transB ? j * k + q : q * n + j)];
                    sum = Math.fma(left, right, sum);
                }
                assertThat(c[at]).as("variant %d, element %d", variant, at).isEqualTo(sum);
            }
            assertThat(Arrays.copyOfRange(c, before.length, c.length)).containsOnly(GUARD);
        }
    }

    @Test
    void aRowAloneHasTheBitsItHasAmongManyOnAnyNumberOfThreads() {
        int m = 800;
        int n = 100;
        int k = 70;
        float[] x = random(m * k, 4);
        float[] w = random(n * k, 5);
        float[] all = new float[m * n];
        float[] onOneThread = new float[m * n];
        VectorGemmKernels gemm = new VectorGemmKernels(new Parallel(3));
        product(gemm, all, x, w, m, n, k);
        product(new VectorGemmKernels(new Parallel(1)), onOneThread, x, w, m, n, k);
        assertThat(all).isEqualTo(onOneThread);
        for (int rows = 1; rows < 30; rows++) {
            int first = rows * 11;
            float[] some = new float[rows * n];
            product(gemm, some, Arrays.copyOfRange(x, first * k, (first + rows) * k), w, rows, n, k);
            assertThat(some).isEqualTo(Arrays.copyOfRange(all, first * n, (first + rows) * n));
        }
    }

    private static void product(VectorGemmKernels gemm, float[] y, float[] x, float[] w, int m, int n, int k) {
        gemm.gemm(new HeapStorage(y), new HeapStorage(x), new HeapStorage(w), GemmShape.transposedB(m, n, k), false);
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
