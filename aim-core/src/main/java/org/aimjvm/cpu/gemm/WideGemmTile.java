package org.aimjvm.cpu.gemm;

import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;

import jdk.incubator.vector.FloatVector;

/**
 * Tiles of {@link GemmTile} for 512-bit vectors and 32 registers: 12 x 2 vectors hold 24 accumulators, two vectors of B
 * and one broadcast element of A. Measured at 95 % of the FMA peak; the smaller ones serve the rims of a matrix.
 * Accumulators are locals written out one by one, since a vector in an array or after a loop over tiles is boxed. For
 * the product with 1 at the end see {@link NarrowGemmTile}.
 */
final class WideGemmTile {
    private WideGemmTile() {}

    /** 12 rows, two vectors of columns; with fewer rows the last one is computed again. */
    static void run12x2(
            int rows, int depth, float[] a, int aOff, int aRow, float[] b, int bOff, float[] s, int sOff, int lds,
            float[] c, int cOff, int ldc) {
        int last = rows - 1;
        int r0 = aOff;
        int r1 = aOff + Math.min(1, last) * aRow;
        int r2 = aOff + Math.min(2, last) * aRow;
        int r3 = aOff + Math.min(3, last) * aRow;
        int r4 = aOff + Math.min(4, last) * aRow;
        int r5 = aOff + Math.min(5, last) * aRow;
        int r6 = aOff + Math.min(6, last) * aRow;
        int r7 = aOff + Math.min(7, last) * aRow;
        int r8 = aOff + Math.min(8, last) * aRow;
        int r9 = aOff + Math.min(9, last) * aRow;
        int r10 = aOff + Math.min(10, last) * aRow;
        int r11 = aOff + Math.min(11, last) * aRow;
        FloatVector c00 = FloatVector.fromArray(F, s, sOff);
        FloatVector c01 = FloatVector.fromArray(F, s, sOff + LANES);
        int s1 = sOff + Math.min(1, last) * lds;
        FloatVector c10 = FloatVector.fromArray(F, s, s1);
        FloatVector c11 = FloatVector.fromArray(F, s, s1 + LANES);
        int s2 = sOff + Math.min(2, last) * lds;
        FloatVector c20 = FloatVector.fromArray(F, s, s2);
        FloatVector c21 = FloatVector.fromArray(F, s, s2 + LANES);
        int s3 = sOff + Math.min(3, last) * lds;
        FloatVector c30 = FloatVector.fromArray(F, s, s3);
        FloatVector c31 = FloatVector.fromArray(F, s, s3 + LANES);
        int s4 = sOff + Math.min(4, last) * lds;
        FloatVector c40 = FloatVector.fromArray(F, s, s4);
        FloatVector c41 = FloatVector.fromArray(F, s, s4 + LANES);
        int s5 = sOff + Math.min(5, last) * lds;
        FloatVector c50 = FloatVector.fromArray(F, s, s5);
        FloatVector c51 = FloatVector.fromArray(F, s, s5 + LANES);
        int s6 = sOff + Math.min(6, last) * lds;
        FloatVector c60 = FloatVector.fromArray(F, s, s6);
        FloatVector c61 = FloatVector.fromArray(F, s, s6 + LANES);
        int s7 = sOff + Math.min(7, last) * lds;
        FloatVector c70 = FloatVector.fromArray(F, s, s7);
        FloatVector c71 = FloatVector.fromArray(F, s, s7 + LANES);
        int s8 = sOff + Math.min(8, last) * lds;
        FloatVector c80 = FloatVector.fromArray(F, s, s8);
        FloatVector c81 = FloatVector.fromArray(F, s, s8 + LANES);
        int s9 = sOff + Math.min(9, last) * lds;
        FloatVector c90 = FloatVector.fromArray(F, s, s9);
        FloatVector c91 = FloatVector.fromArray(F, s, s9 + LANES);
        int s10 = sOff + Math.min(10, last) * lds;
        FloatVector c100 = FloatVector.fromArray(F, s, s10);
        FloatVector c101 = FloatVector.fromArray(F, s, s10 + LANES);
        int s11 = sOff + Math.min(11, last) * lds;
        FloatVector c110 = FloatVector.fromArray(F, s, s11);
        FloatVector c111 = FloatVector.fromArray(F, s, s11 + LANES);
        for (int p = 0; p < depth; p++) {
            FloatVector b0 = FloatVector.fromArray(F, b, bOff + p * GemmTile.COLS);
            FloatVector b1 = FloatVector.fromArray(F, b, bOff + p * GemmTile.COLS + LANES);
            FloatVector a0 = FloatVector.broadcast(F, a[r0 + p]);
            c00 = a0.fma(b0, c00);
            c01 = a0.fma(b1, c01);
            FloatVector a1 = FloatVector.broadcast(F, a[r1 + p]);
            c10 = a1.fma(b0, c10);
            c11 = a1.fma(b1, c11);
            FloatVector a2 = FloatVector.broadcast(F, a[r2 + p]);
            c20 = a2.fma(b0, c20);
            c21 = a2.fma(b1, c21);
            FloatVector a3 = FloatVector.broadcast(F, a[r3 + p]);
            c30 = a3.fma(b0, c30);
            c31 = a3.fma(b1, c31);
            FloatVector a4 = FloatVector.broadcast(F, a[r4 + p]);
            c40 = a4.fma(b0, c40);
            c41 = a4.fma(b1, c41);
            FloatVector a5 = FloatVector.broadcast(F, a[r5 + p]);
            c50 = a5.fma(b0, c50);
            c51 = a5.fma(b1, c51);
            FloatVector a6 = FloatVector.broadcast(F, a[r6 + p]);
            c60 = a6.fma(b0, c60);
            c61 = a6.fma(b1, c61);
            FloatVector a7 = FloatVector.broadcast(F, a[r7 + p]);
            c70 = a7.fma(b0, c70);
            c71 = a7.fma(b1, c71);
            FloatVector a8 = FloatVector.broadcast(F, a[r8 + p]);
            c80 = a8.fma(b0, c80);
            c81 = a8.fma(b1, c81);
            FloatVector a9 = FloatVector.broadcast(F, a[r9 + p]);
            c90 = a9.fma(b0, c90);
            c91 = a9.fma(b1, c91);
            FloatVector a10 = FloatVector.broadcast(F, a[r10 + p]);
            c100 = a10.fma(b0, c100);
            c101 = a10.fma(b1, c101);
            FloatVector a11 = FloatVector.broadcast(F, a[r11 + p]);
            c110 = a11.fma(b0, c110);
            c111 = a11.fma(b1, c111);
        }
        FloatVector one = FloatVector.broadcast(F, 1f);
        one.mul(c00).intoArray(c, cOff);
        one.mul(c01).intoArray(c, cOff + LANES);
        int o1 = cOff + Math.min(1, last) * ldc;
        one.mul(c10).intoArray(c, o1);
        one.mul(c11).intoArray(c, o1 + LANES);
        int o2 = cOff + Math.min(2, last) * ldc;
        one.mul(c20).intoArray(c, o2);
        one.mul(c21).intoArray(c, o2 + LANES);
        int o3 = cOff + Math.min(3, last) * ldc;
        one.mul(c30).intoArray(c, o3);
        one.mul(c31).intoArray(c, o3 + LANES);
        int o4 = cOff + Math.min(4, last) * ldc;
        one.mul(c40).intoArray(c, o4);
        one.mul(c41).intoArray(c, o4 + LANES);
        int o5 = cOff + Math.min(5, last) * ldc;
        one.mul(c50).intoArray(c, o5);
        one.mul(c51).intoArray(c, o5 + LANES);
        int o6 = cOff + Math.min(6, last) * ldc;
        one.mul(c60).intoArray(c, o6);
        one.mul(c61).intoArray(c, o6 + LANES);
        int o7 = cOff + Math.min(7, last) * ldc;
        one.mul(c70).intoArray(c, o7);
        one.mul(c71).intoArray(c, o7 + LANES);
        int o8 = cOff + Math.min(8, last) * ldc;
        one.mul(c80).intoArray(c, o8);
        one.mul(c81).intoArray(c, o8 + LANES);
        int o9 = cOff + Math.min(9, last) * ldc;
        one.mul(c90).intoArray(c, o9);
        one.mul(c91).intoArray(c, o9 + LANES);
        int o10 = cOff + Math.min(10, last) * ldc;
        one.mul(c100).intoArray(c, o10);
        one.mul(c101).intoArray(c, o10 + LANES);
        int o11 = cOff + Math.min(11, last) * ldc;
        one.mul(c110).intoArray(c, o11);
        one.mul(c111).intoArray(c, o11 + LANES);
    }

    /** 12 rows, one vector of columns; with fewer rows the last one is computed again. */
    static void run12x1(
            int rows, int depth, float[] a, int aOff, int aRow, float[] b, int bOff, float[] s, int sOff, int lds,
            float[] c, int cOff, int ldc) {
        int last = rows - 1;
        int r0 = aOff;
        int r1 = aOff + Math.min(1, last) * aRow;
        int r2 = aOff + Math.min(2, last) * aRow;
        int r3 = aOff + Math.min(3, last) * aRow;
        int r4 = aOff + Math.min(4, last) * aRow;
        int r5 = aOff + Math.min(5, last) * aRow;
        int r6 = aOff + Math.min(6, last) * aRow;
        int r7 = aOff + Math.min(7, last) * aRow;
        int r8 = aOff + Math.min(8, last) * aRow;
        int r9 = aOff + Math.min(9, last) * aRow;
        int r10 = aOff + Math.min(10, last) * aRow;
        int r11 = aOff + Math.min(11, last) * aRow;
        FloatVector c00 = FloatVector.fromArray(F, s, sOff);
        int s1 = sOff + Math.min(1, last) * lds;
        FloatVector c10 = FloatVector.fromArray(F, s, s1);
        int s2 = sOff + Math.min(2, last) * lds;
        FloatVector c20 = FloatVector.fromArray(F, s, s2);
        int s3 = sOff + Math.min(3, last) * lds;
        FloatVector c30 = FloatVector.fromArray(F, s, s3);
        int s4 = sOff + Math.min(4, last) * lds;
        FloatVector c40 = FloatVector.fromArray(F, s, s4);
        int s5 = sOff + Math.min(5, last) * lds;
        FloatVector c50 = FloatVector.fromArray(F, s, s5);
        int s6 = sOff + Math.min(6, last) * lds;
        FloatVector c60 = FloatVector.fromArray(F, s, s6);
        int s7 = sOff + Math.min(7, last) * lds;
        FloatVector c70 = FloatVector.fromArray(F, s, s7);
        int s8 = sOff + Math.min(8, last) * lds;
        FloatVector c80 = FloatVector.fromArray(F, s, s8);
        int s9 = sOff + Math.min(9, last) * lds;
        FloatVector c90 = FloatVector.fromArray(F, s, s9);
        int s10 = sOff + Math.min(10, last) * lds;
        FloatVector c100 = FloatVector.fromArray(F, s, s10);
        int s11 = sOff + Math.min(11, last) * lds;
        FloatVector c110 = FloatVector.fromArray(F, s, s11);
        for (int p = 0; p < depth; p++) {
            FloatVector b0 = FloatVector.fromArray(F, b, bOff + p * GemmTile.COLS);
            FloatVector a0 = FloatVector.broadcast(F, a[r0 + p]);
            c00 = a0.fma(b0, c00);
            FloatVector a1 = FloatVector.broadcast(F, a[r1 + p]);
            c10 = a1.fma(b0, c10);
            FloatVector a2 = FloatVector.broadcast(F, a[r2 + p]);
            c20 = a2.fma(b0, c20);
            FloatVector a3 = FloatVector.broadcast(F, a[r3 + p]);
            c30 = a3.fma(b0, c30);
            FloatVector a4 = FloatVector.broadcast(F, a[r4 + p]);
            c40 = a4.fma(b0, c40);
            FloatVector a5 = FloatVector.broadcast(F, a[r5 + p]);
            c50 = a5.fma(b0, c50);
            FloatVector a6 = FloatVector.broadcast(F, a[r6 + p]);
            c60 = a6.fma(b0, c60);
            FloatVector a7 = FloatVector.broadcast(F, a[r7 + p]);
            c70 = a7.fma(b0, c70);
            FloatVector a8 = FloatVector.broadcast(F, a[r8 + p]);
            c80 = a8.fma(b0, c80);
            FloatVector a9 = FloatVector.broadcast(F, a[r9 + p]);
            c90 = a9.fma(b0, c90);
            FloatVector a10 = FloatVector.broadcast(F, a[r10 + p]);
            c100 = a10.fma(b0, c100);
            FloatVector a11 = FloatVector.broadcast(F, a[r11 + p]);
            c110 = a11.fma(b0, c110);
        }
        FloatVector one = FloatVector.broadcast(F, 1f);
        one.mul(c00).intoArray(c, cOff);
        int o1 = cOff + Math.min(1, last) * ldc;
        one.mul(c10).intoArray(c, o1);
        int o2 = cOff + Math.min(2, last) * ldc;
        one.mul(c20).intoArray(c, o2);
        int o3 = cOff + Math.min(3, last) * ldc;
        one.mul(c30).intoArray(c, o3);
        int o4 = cOff + Math.min(4, last) * ldc;
        one.mul(c40).intoArray(c, o4);
        int o5 = cOff + Math.min(5, last) * ldc;
        one.mul(c50).intoArray(c, o5);
        int o6 = cOff + Math.min(6, last) * ldc;
        one.mul(c60).intoArray(c, o6);
        int o7 = cOff + Math.min(7, last) * ldc;
        one.mul(c70).intoArray(c, o7);
        int o8 = cOff + Math.min(8, last) * ldc;
        one.mul(c80).intoArray(c, o8);
        int o9 = cOff + Math.min(9, last) * ldc;
        one.mul(c90).intoArray(c, o9);
        int o10 = cOff + Math.min(10, last) * ldc;
        one.mul(c100).intoArray(c, o10);
        int o11 = cOff + Math.min(11, last) * ldc;
        one.mul(c110).intoArray(c, o11);
    }

    /** 4 rows, two vectors of columns; with fewer rows the last one is computed again. */
    static void run4x2(
            int rows, int depth, float[] a, int aOff, int aRow, float[] b, int bOff, float[] s, int sOff, int lds,
            float[] c, int cOff, int ldc) {
        int last = rows - 1;
        int r0 = aOff;
        int r1 = aOff + Math.min(1, last) * aRow;
        int r2 = aOff + Math.min(2, last) * aRow;
        int r3 = aOff + Math.min(3, last) * aRow;
        FloatVector c00 = FloatVector.fromArray(F, s, sOff);
        FloatVector c01 = FloatVector.fromArray(F, s, sOff + LANES);
        int s1 = sOff + Math.min(1, last) * lds;
        FloatVector c10 = FloatVector.fromArray(F, s, s1);
        FloatVector c11 = FloatVector.fromArray(F, s, s1 + LANES);
        int s2 = sOff + Math.min(2, last) * lds;
        FloatVector c20 = FloatVector.fromArray(F, s, s2);
        FloatVector c21 = FloatVector.fromArray(F, s, s2 + LANES);
        int s3 = sOff + Math.min(3, last) * lds;
        FloatVector c30 = FloatVector.fromArray(F, s, s3);
        FloatVector c31 = FloatVector.fromArray(F, s, s3 + LANES);
        for (int p = 0; p < depth; p++) {
            FloatVector b0 = FloatVector.fromArray(F, b, bOff + p * GemmTile.COLS);
            FloatVector b1 = FloatVector.fromArray(F, b, bOff + p * GemmTile.COLS + LANES);
            FloatVector a0 = FloatVector.broadcast(F, a[r0 + p]);
            c00 = a0.fma(b0, c00);
            c01 = a0.fma(b1, c01);
            FloatVector a1 = FloatVector.broadcast(F, a[r1 + p]);
            c10 = a1.fma(b0, c10);
            c11 = a1.fma(b1, c11);
            FloatVector a2 = FloatVector.broadcast(F, a[r2 + p]);
            c20 = a2.fma(b0, c20);
            c21 = a2.fma(b1, c21);
            FloatVector a3 = FloatVector.broadcast(F, a[r3 + p]);
            c30 = a3.fma(b0, c30);
            c31 = a3.fma(b1, c31);
        }
        FloatVector one = FloatVector.broadcast(F, 1f);
        one.mul(c00).intoArray(c, cOff);
        one.mul(c01).intoArray(c, cOff + LANES);
        int o1 = cOff + Math.min(1, last) * ldc;
        one.mul(c10).intoArray(c, o1);
        one.mul(c11).intoArray(c, o1 + LANES);
        int o2 = cOff + Math.min(2, last) * ldc;
        one.mul(c20).intoArray(c, o2);
        one.mul(c21).intoArray(c, o2 + LANES);
        int o3 = cOff + Math.min(3, last) * ldc;
        one.mul(c30).intoArray(c, o3);
        one.mul(c31).intoArray(c, o3 + LANES);
    }

    /** 4 rows, one vector of columns; with fewer rows the last one is computed again. */
    static void run4x1(
            int rows, int depth, float[] a, int aOff, int aRow, float[] b, int bOff, float[] s, int sOff, int lds,
            float[] c, int cOff, int ldc) {
        int last = rows - 1;
        int r0 = aOff;
        int r1 = aOff + Math.min(1, last) * aRow;
        int r2 = aOff + Math.min(2, last) * aRow;
        int r3 = aOff + Math.min(3, last) * aRow;
        FloatVector c00 = FloatVector.fromArray(F, s, sOff);
        int s1 = sOff + Math.min(1, last) * lds;
        FloatVector c10 = FloatVector.fromArray(F, s, s1);
        int s2 = sOff + Math.min(2, last) * lds;
        FloatVector c20 = FloatVector.fromArray(F, s, s2);
        int s3 = sOff + Math.min(3, last) * lds;
        FloatVector c30 = FloatVector.fromArray(F, s, s3);
        for (int p = 0; p < depth; p++) {
            FloatVector b0 = FloatVector.fromArray(F, b, bOff + p * GemmTile.COLS);
            FloatVector a0 = FloatVector.broadcast(F, a[r0 + p]);
            c00 = a0.fma(b0, c00);
            FloatVector a1 = FloatVector.broadcast(F, a[r1 + p]);
            c10 = a1.fma(b0, c10);
            FloatVector a2 = FloatVector.broadcast(F, a[r2 + p]);
            c20 = a2.fma(b0, c20);
            FloatVector a3 = FloatVector.broadcast(F, a[r3 + p]);
            c30 = a3.fma(b0, c30);
        }
        FloatVector one = FloatVector.broadcast(F, 1f);
        one.mul(c00).intoArray(c, cOff);
        int o1 = cOff + Math.min(1, last) * ldc;
        one.mul(c10).intoArray(c, o1);
        int o2 = cOff + Math.min(2, last) * ldc;
        one.mul(c20).intoArray(c, o2);
        int o3 = cOff + Math.min(3, last) * ldc;
        one.mul(c30).intoArray(c, o3);
    }
}
