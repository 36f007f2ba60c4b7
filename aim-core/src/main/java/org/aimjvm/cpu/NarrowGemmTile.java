package org.aimjvm.cpu;

import static org.aimjvm.cpu.Simd.F;
import static org.aimjvm.cpu.Simd.LANES;

import jdk.incubator.vector.FloatVector;

/**
 * Tiles of {@link GemmTile} for 16 vector registers (AVX2, SSE): 5 x 2 vectors hold 10 accumulators, two vectors of B and one
 * broadcast element of A. A sixth row would spill a register and halve the speed. Accumulators are locals written out one
 * by one, since a vector in an array is boxed.
 */
final class NarrowGemmTile {
    private NarrowGemmTile() {}

    /** 5 rows, two vectors of columns; with fewer rows the last one is computed again. */
    static void run5x2(
            int rows, int depth, float[] a, int aOff, int aRow, int aCol, float[] b, int bOff, float[] c, int cOff,
            int ldc) {
        int last = rows - 1;
        int r0 = aOff;
        int o0 = cOff;
        int r1 = aOff + Math.min(1, last) * aRow;
        int o1 = cOff + Math.min(1, last) * ldc;
        int r2 = aOff + Math.min(2, last) * aRow;
        int o2 = cOff + Math.min(2, last) * ldc;
        int r3 = aOff + Math.min(3, last) * aRow;
        int o3 = cOff + Math.min(3, last) * ldc;
        int r4 = aOff + Math.min(4, last) * aRow;
        int o4 = cOff + Math.min(4, last) * ldc;
        FloatVector c00 = FloatVector.fromArray(F, c, o0);
        FloatVector c01 = FloatVector.fromArray(F, c, o0 + LANES);
        FloatVector c10 = FloatVector.fromArray(F, c, o1);
        FloatVector c11 = FloatVector.fromArray(F, c, o1 + LANES);
        FloatVector c20 = FloatVector.fromArray(F, c, o2);
        FloatVector c21 = FloatVector.fromArray(F, c, o2 + LANES);
        FloatVector c30 = FloatVector.fromArray(F, c, o3);
        FloatVector c31 = FloatVector.fromArray(F, c, o3 + LANES);
        FloatVector c40 = FloatVector.fromArray(F, c, o4);
        FloatVector c41 = FloatVector.fromArray(F, c, o4 + LANES);
        for (int p = 0; p < depth; p++) {
            FloatVector b0 = FloatVector.fromArray(F, b, bOff + p * GemmTile.COLS);
            FloatVector b1 = FloatVector.fromArray(F, b, bOff + p * GemmTile.COLS + LANES);
            FloatVector a0 = FloatVector.broadcast(F, a[r0 + p * aCol]);
            c00 = a0.fma(b0, c00);
            c01 = a0.fma(b1, c01);
            FloatVector a1 = FloatVector.broadcast(F, a[r1 + p * aCol]);
            c10 = a1.fma(b0, c10);
            c11 = a1.fma(b1, c11);
            FloatVector a2 = FloatVector.broadcast(F, a[r2 + p * aCol]);
            c20 = a2.fma(b0, c20);
            c21 = a2.fma(b1, c21);
            FloatVector a3 = FloatVector.broadcast(F, a[r3 + p * aCol]);
            c30 = a3.fma(b0, c30);
            c31 = a3.fma(b1, c31);
            FloatVector a4 = FloatVector.broadcast(F, a[r4 + p * aCol]);
            c40 = a4.fma(b0, c40);
            c41 = a4.fma(b1, c41);
        }
        c00.intoArray(c, o0);
        c01.intoArray(c, o0 + LANES);
        c10.intoArray(c, o1);
        c11.intoArray(c, o1 + LANES);
        c20.intoArray(c, o2);
        c21.intoArray(c, o2 + LANES);
        c30.intoArray(c, o3);
        c31.intoArray(c, o3 + LANES);
        c40.intoArray(c, o4);
        c41.intoArray(c, o4 + LANES);
    }

    /** 5 rows, one vector of columns; with fewer rows the last one is computed again. */
    static void run5x1(
            int rows, int depth, float[] a, int aOff, int aRow, int aCol, float[] b, int bOff, float[] c, int cOff,
            int ldc) {
        int last = rows - 1;
        int r0 = aOff;
        int o0 = cOff;
        int r1 = aOff + Math.min(1, last) * aRow;
        int o1 = cOff + Math.min(1, last) * ldc;
        int r2 = aOff + Math.min(2, last) * aRow;
        int o2 = cOff + Math.min(2, last) * ldc;
        int r3 = aOff + Math.min(3, last) * aRow;
        int o3 = cOff + Math.min(3, last) * ldc;
        int r4 = aOff + Math.min(4, last) * aRow;
        int o4 = cOff + Math.min(4, last) * ldc;
        FloatVector c00 = FloatVector.fromArray(F, c, o0);
        FloatVector c10 = FloatVector.fromArray(F, c, o1);
        FloatVector c20 = FloatVector.fromArray(F, c, o2);
        FloatVector c30 = FloatVector.fromArray(F, c, o3);
        FloatVector c40 = FloatVector.fromArray(F, c, o4);
        for (int p = 0; p < depth; p++) {
            FloatVector b0 = FloatVector.fromArray(F, b, bOff + p * GemmTile.COLS);
            FloatVector a0 = FloatVector.broadcast(F, a[r0 + p * aCol]);
            c00 = a0.fma(b0, c00);
            FloatVector a1 = FloatVector.broadcast(F, a[r1 + p * aCol]);
            c10 = a1.fma(b0, c10);
            FloatVector a2 = FloatVector.broadcast(F, a[r2 + p * aCol]);
            c20 = a2.fma(b0, c20);
            FloatVector a3 = FloatVector.broadcast(F, a[r3 + p * aCol]);
            c30 = a3.fma(b0, c30);
            FloatVector a4 = FloatVector.broadcast(F, a[r4 + p * aCol]);
            c40 = a4.fma(b0, c40);
        }
        c00.intoArray(c, o0);
        c10.intoArray(c, o1);
        c20.intoArray(c, o2);
        c30.intoArray(c, o3);
        c40.intoArray(c, o4);
    }
}
