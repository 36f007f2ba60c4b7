package org.aimjvm.cpu.scalar;

import org.aimjvm.backend.GemmKernels;
import org.aimjvm.backend.GemmShape;
import org.aimjvm.backend.Storage;
import org.aimjvm.cpu.memory.HeapStorage;

/** Reference matrix product: three loops, each element one sum in the order of k. */
public final class ScalarGemmKernels implements GemmKernels {

    @Override
    public void linear(Storage y, Storage x, Storage w, int rows, int out, int in) {
        gemm(y, x, w, GemmShape.transposedB(rows, out, in), false);
    }

    @Override
    public void gemm(Storage c, Storage a, Storage b, GemmShape s, boolean accumulate) {
        int m = s.m();
        int n = s.n();
        int k = s.k();
        float[] cs = HeapStorage.floats(c);
        float[] as = HeapStorage.floats(a);
        float[] bs = HeapStorage.floats(b);
        int aRow = s.transA() ? 1 : k;
        int aCol = s.transA() ? m : 1;
        int bRow = s.transB() ? 1 : n;
        int bCol = s.transB() ? k : 1;
        for (int p = 0; p < s.batch(); p++) {
            int aBase = p * m * k;
            int bBase = p * k * n;
            int cBase = p * m * n;
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    float sum = 0;
                    for (int q = 0; q < k; q++) {
                        sum += as[aBase + i * aRow + q * aCol] * bs[bBase + q * bRow + j * bCol];
                    }
                    int at = cBase + i * n + j;
                    cs[at] = accumulate ? cs[at] + sum : sum;
                }
            }
        }
    }
}
