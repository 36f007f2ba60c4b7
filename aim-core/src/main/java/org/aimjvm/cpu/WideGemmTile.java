package org.aimjvm.cpu;

import static org.aimjvm.cpu.Simd.F;
import static org.aimjvm.cpu.Simd.LANES;

import jdk.incubator.vector.FloatVector;

/**
 * Tiles of {@link GemmTile} for 512-bit vectors and 32 registers: 12 x 2 vectors hold 24 accumulators, two vectors of B and
 * one broadcast element of A. Measured at 95 % of the FMA peak; the smaller ones serve the rims of a matrix. Accumulators
 * are locals written out one by one, since a vector in an array or behind a loop over tiles is boxed.
 */
final class WideGemmTile {
    private WideGemmTile() {}

    /** 12 rows, two vectors of columns; with fewer rows the last one is computed again. */
    static void run12x2(
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
        int r5 = aOff + Math.min(5, last) * aRow;
        int o5 = cOff + Math.min(5, last) * ldc;
        int r6 = aOff + Math.min(6, last) * aRow;
        int o6 = cOff + Math.min(6, last) * ldc;
        int r7 = aOff + Math.min(7, last) * aRow;
        int o7 = cOff + Math.min(7, last) * ldc;
        int r8 = aOff + Math.min(8, last) * aRow;
        int o8 = cOff + Math.min(8, last) * ldc;
        int r9 = aOff + Math.min(9, last) * aRow;
        int o9 = cOff + Math.min(9, last) * ldc;
        int r10 = aOff + Math.min(10, last) * aRow;
        int o10 = cOff + Math.min(10, last) * ldc;
        int r11 = aOff + Math.min(11, last) * aRow;
        int o11 = cOff + Math.min(11, last) * ldc;
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
        FloatVector c50 = FloatVector.fromArray(F, c, o5);
        FloatVector c51 = FloatVector.fromArray(F, c, o5 + LANES);
        FloatVector c60 = FloatVector.fromArray(F, c, o6);
        FloatVector c61 = FloatVector.fromArray(F, c, o6 + LANES);
        FloatVector c70 = FloatVector.fromArray(F, c, o7);
        FloatVector c71 = FloatVector.fromArray(F, c, o7 + LANES);
        FloatVector c80 = FloatVector.fromArray(F, c, o8);
        FloatVector c81 = FloatVector.fromArray(F, c, o8 + LANES);
        FloatVector c90 = FloatVector.fromArray(F, c, o9);
        FloatVector c91 = FloatVector.fromArray(F, c, o9 + LANES);
        FloatVector c100 = FloatVector.fromArray(F, c, o10);
        FloatVector c101 = FloatVector.fromArray(F, c, o10 + LANES);
        FloatVector c110 = FloatVector.fromArray(F, c, o11);
        FloatVector c111 = FloatVector.fromArray(F, c, o11 + LANES);
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
            FloatVector a5 = FloatVector.broadcast(F, a[r5 + p * aCol]);
            c50 = a5.fma(b0, c50);
            c51 = a5.fma(b1, c51);
            FloatVector a6 = FloatVector.broadcast(F, a[r6 + p * aCol]);
            c60 = a6.fma(b0, c60);
            c61 = a6.fma(b1, c61);
            FloatVector a7 = FloatVector.broadcast(F, a[r7 + p * aCol]);
            c70 = a7.fma(b0, c70);
            c71 = a7.fma(b1, c71);
            FloatVector a8 = FloatVector.broadcast(F, a[r8 + p * aCol]);
            c80 = a8.fma(b0, c80);
            c81 = a8.fma(b1, c81);
            FloatVector a9 = FloatVector.broadcast(F, a[r9 + p * aCol]);
            c90 = a9.fma(b0, c90);
            c91 = a9.fma(b1, c91);
            FloatVector a10 = FloatVector.broadcast(F, a[r10 + p * aCol]);
            c100 = a10.fma(b0, c100);
            c101 = a10.fma(b1, c101);
            FloatVector a11 = FloatVector.broadcast(F, a[r11 + p * aCol]);
            c110 = a11.fma(b0, c110);
            c111 = a11.fma(b1, c111);
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
        c50.intoArray(c, o5);
        c51.intoArray(c, o5 + LANES);
        c60.intoArray(c, o6);
        c61.intoArray(c, o6 + LANES);
        c70.intoArray(c, o7);
        c71.intoArray(c, o7 + LANES);
        c80.intoArray(c, o8);
        c81.intoArray(c, o8 + LANES);
        c90.intoArray(c, o9);
        c91.intoArray(c, o9 + LANES);
        c100.intoArray(c, o10);
        c101.intoArray(c, o10 + LANES);
        c110.intoArray(c, o11);
        c111.intoArray(c, o11 + LANES);
    }

    /** 12 rows, one vector of columns; with fewer rows the last one is computed again. */
    static void run12x1(
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
        int r5 = aOff + Math.min(5, last) * aRow;
        int o5 = cOff + Math.min(5, last) * ldc;
        int r6 = aOff + Math.min(6, last) * aRow;
        int o6 = cOff + Math.min(6, last) * ldc;
        int r7 = aOff + Math.min(7, last) * aRow;
        int o7 = cOff + Math.min(7, last) * ldc;
        int r8 = aOff + Math.min(8, last) * aRow;
        int o8 = cOff + Math.min(8, last) * ldc;
        int r9 = aOff + Math.min(9, last) * aRow;
        int o9 = cOff + Math.min(9, last) * ldc;
        int r10 = aOff + Math.min(10, last) * aRow;
        int o10 = cOff + Math.min(10, last) * ldc;
        int r11 = aOff + Math.min(11, last) * aRow;
        int o11 = cOff + Math.min(11, last) * ldc;
        FloatVector c00 = FloatVector.fromArray(F, c, o0);
        FloatVector c10 = FloatVector.fromArray(F, c, o1);
        FloatVector c20 = FloatVector.fromArray(F, c, o2);
        FloatVector c30 = FloatVector.fromArray(F, c, o3);
        FloatVector c40 = FloatVector.fromArray(F, c, o4);
        FloatVector c50 = FloatVector.fromArray(F, c, o5);
        FloatVector c60 = FloatVector.fromArray(F, c, o6);
        FloatVector c70 = FloatVector.fromArray(F, c, o7);
        FloatVector c80 = FloatVector.fromArray(F, c, o8);
        FloatVector c90 = FloatVector.fromArray(F, c, o9);
        FloatVector c100 = FloatVector.fromArray(F, c, o10);
        FloatVector c110 = FloatVector.fromArray(F, c, o11);
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
            FloatVector a5 = FloatVector.broadcast(F, a[r5 + p * aCol]);
            c50 = a5.fma(b0, c50);
            FloatVector a6 = FloatVector.broadcast(F, a[r6 + p * aCol]);
            c60 = a6.fma(b0, c60);
            FloatVector a7 = FloatVector.broadcast(F, a[r7 + p * aCol]);
            c70 = a7.fma(b0, c70);
            FloatVector a8 = FloatVector.broadcast(F, a[r8 + p * aCol]);
            c80 = a8.fma(b0, c80);
            FloatVector a9 = FloatVector.broadcast(F, a[r9 + p * aCol]);
            c90 = a9.fma(b0, c90);
            FloatVector a10 = FloatVector.broadcast(F, a[r10 + p * aCol]);
            c100 = a10.fma(b0, c100);
            FloatVector a11 = FloatVector.broadcast(F, a[r11 + p * aCol]);
            c110 = a11.fma(b0, c110);
        }
        c00.intoArray(c, o0);
        c10.intoArray(c, o1);
        c20.intoArray(c, o2);
        c30.intoArray(c, o3);
        c40.intoArray(c, o4);
        c50.intoArray(c, o5);
        c60.intoArray(c, o6);
        c70.intoArray(c, o7);
        c80.intoArray(c, o8);
        c90.intoArray(c, o9);
        c100.intoArray(c, o10);
        c110.intoArray(c, o11);
    }

    /** 4 rows, two vectors of columns; with fewer rows the last one is computed again. */
    static void run4x2(
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
        FloatVector c00 = FloatVector.fromArray(F, c, o0);
        FloatVector c01 = FloatVector.fromArray(F, c, o0 + LANES);
        FloatVector c10 = FloatVector.fromArray(F, c, o1);
        FloatVector c11 = FloatVector.fromArray(F, c, o1 + LANES);
        FloatVector c20 = FloatVector.fromArray(F, c, o2);
        FloatVector c21 = FloatVector.fromArray(F, c, o2 + LANES);
        FloatVector c30 = FloatVector.fromArray(F, c, o3);
        FloatVector c31 = FloatVector.fromArray(F, c, o3 + LANES);
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
        }
        c00.intoArray(c, o0);
        c01.intoArray(c, o0 + LANES);
        c10.intoArray(c, o1);
        c11.intoArray(c, o1 + LANES);
        c20.intoArray(c, o2);
        c21.intoArray(c, o2 + LANES);
        c30.intoArray(c, o3);
        c31.intoArray(c, o3 + LANES);
    }

    /** 4 rows, one vector of columns; with fewer rows the last one is computed again. */
    static void run4x1(
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
        FloatVector c00 = FloatVector.fromArray(F, c, o0);
        FloatVector c10 = FloatVector.fromArray(F, c, o1);
        FloatVector c20 = FloatVector.fromArray(F, c, o2);
        FloatVector c30 = FloatVector.fromArray(F, c, o3);
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
        }
        c00.intoArray(c, o0);
        c10.intoArray(c, o1);
        c20.intoArray(c, o2);
        c30.intoArray(c, o3);
    }
}
