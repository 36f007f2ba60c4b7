package org.aimjvm.cpu.gemm;

import jdk.incubator.vector.FloatVector;
import org.aimjvm.cpu.simd.Simd;

/**
 * Tiles of {@link SmallGemm}, {@code C = beta C + A B} for so many rows and vectors of columns as the names say; those
 * named "lines" want the elements of a row of A next to each other. Long, and with a parameter per number, since
 * accumulators are locals written out one by one: a vector in an array is boxed, and an object for the operands would
 * be made per tile.
 */
final class SmallGemmTiles {
    private static final int LANES = Simd.LANES;

    private SmallGemmTiles() {}

    static void rows4x4(
            float beta,
            float[] c,
            int cAt,
            int cRow,
            float[] a,
            int aAt,
            int aRow,
            int aCol,
            float[] b,
            int bAt,
            int bRow,
            int depth) {
        int c1 = cAt + cRow;
        int c2 = c1 + cRow;
        int c3 = c2 + cRow;
        FloatVector s00 = initial(beta, c, cAt);
        FloatVector s01 = initial(beta, c, cAt + LANES);
        FloatVector s02 = initial(beta, c, cAt + 2 * LANES);
        FloatVector s03 = initial(beta, c, cAt + 3 * LANES);
        FloatVector s10 = initial(beta, c, c1);
        FloatVector s11 = initial(beta, c, c1 + LANES);
        FloatVector s12 = initial(beta, c, c1 + 2 * LANES);
        FloatVector s13 = initial(beta, c, c1 + 3 * LANES);
        FloatVector s20 = initial(beta, c, c2);
        FloatVector s21 = initial(beta, c, c2 + LANES);
        FloatVector s22 = initial(beta, c, c2 + 2 * LANES);
        FloatVector s23 = initial(beta, c, c2 + 3 * LANES);
        FloatVector s30 = initial(beta, c, c3);
        FloatVector s31 = initial(beta, c, c3 + LANES);
        FloatVector s32 = initial(beta, c, c3 + 2 * LANES);
        FloatVector s33 = initial(beta, c, c3 + 3 * LANES);
        int ak = aAt;
        int bk = bAt;
        for (int k = 0; k < depth; k++, ak += aCol, bk += bRow) {
            FloatVector b0 = FloatVector.fromArray(Simd.F, b, bk);
            FloatVector b1 = FloatVector.fromArray(Simd.F, b, bk + LANES);
            FloatVector b2 = FloatVector.fromArray(Simd.F, b, bk + 2 * LANES);
            FloatVector b3 = FloatVector.fromArray(Simd.F, b, bk + 3 * LANES);
            FloatVector a0 = FloatVector.broadcast(Simd.F, a[ak]);
            s00 = a0.fma(b0, s00);
            s01 = a0.fma(b1, s01);
            s02 = a0.fma(b2, s02);
            s03 = a0.fma(b3, s03);
            FloatVector a1 = FloatVector.broadcast(Simd.F, a[ak + aRow]);
            s10 = a1.fma(b0, s10);
            s11 = a1.fma(b1, s11);
            s12 = a1.fma(b2, s12);
            s13 = a1.fma(b3, s13);
            FloatVector a2 = FloatVector.broadcast(Simd.F, a[ak + 2 * aRow]);
            s20 = a2.fma(b0, s20);
            s21 = a2.fma(b1, s21);
            s22 = a2.fma(b2, s22);
            s23 = a2.fma(b3, s23);
            FloatVector a3 = FloatVector.broadcast(Simd.F, a[ak + 3 * aRow]);
            s30 = a3.fma(b0, s30);
            s31 = a3.fma(b1, s31);
            s32 = a3.fma(b2, s32);
            s33 = a3.fma(b3, s33);
        }
        FloatVector one = FloatVector.broadcast(Simd.F, 1f);
        one.mul(s00).intoArray(c, cAt);
        one.mul(s01).intoArray(c, cAt + LANES);
        one.mul(s02).intoArray(c, cAt + 2 * LANES);
        one.mul(s03).intoArray(c, cAt + 3 * LANES);
        one.mul(s10).intoArray(c, c1);
        one.mul(s11).intoArray(c, c1 + LANES);
        one.mul(s12).intoArray(c, c1 + 2 * LANES);
        one.mul(s13).intoArray(c, c1 + 3 * LANES);
        one.mul(s20).intoArray(c, c2);
        one.mul(s21).intoArray(c, c2 + LANES);
        one.mul(s22).intoArray(c, c2 + 2 * LANES);
        one.mul(s23).intoArray(c, c2 + 3 * LANES);
        one.mul(s30).intoArray(c, c3);
        one.mul(s31).intoArray(c, c3 + LANES);
        one.mul(s32).intoArray(c, c3 + 2 * LANES);
        one.mul(s33).intoArray(c, c3 + 3 * LANES);
    }

    /** 6 rows of A that lie one after another, two vectors of columns, as {@link NarrowGemmTile}. */
    static void lines6x2(
            float beta, float[] c, int cAt, int cRow, float[] a, int aAt, int aRow, float[] b, int bAt, int bRow,
            int depth) {
        int c1 = cAt + 1 * cRow;
        int c2 = cAt + 2 * cRow;
        int c3 = cAt + 3 * cRow;
        int c4 = cAt + 4 * cRow;
        int c5 = cAt + 5 * cRow;
        FloatVector s00 = initial(beta, c, cAt);
        FloatVector s01 = initial(beta, c, cAt + LANES);
        FloatVector s10 = initial(beta, c, c1);
        FloatVector s11 = initial(beta, c, c1 + LANES);
        FloatVector s20 = initial(beta, c, c2);
        FloatVector s21 = initial(beta, c, c2 + LANES);
        FloatVector s30 = initial(beta, c, c3);
        FloatVector s31 = initial(beta, c, c3 + LANES);
        FloatVector s40 = initial(beta, c, c4);
        FloatVector s41 = initial(beta, c, c4 + LANES);
        FloatVector s50 = initial(beta, c, c5);
        FloatVector s51 = initial(beta, c, c5 + LANES);
        int a1 = aAt + 1 * aRow;
        int a2 = aAt + 2 * aRow;
        int a3 = aAt + 3 * aRow;
        int a4 = aAt + 4 * aRow;
        int a5 = aAt + 5 * aRow;
        for (int k = 0; k < depth; k++) {
            FloatVector b0 = FloatVector.fromArray(Simd.F, b, bAt + k * bRow);
            FloatVector b1 = FloatVector.fromArray(Simd.F, b, bAt + k * bRow + LANES);
            FloatVector x0 = FloatVector.broadcast(Simd.F, a[aAt + k]);
            s00 = x0.fma(b0, s00);
            s01 = x0.fma(b1, s01);
            FloatVector x1 = FloatVector.broadcast(Simd.F, a[a1 + k]);
            s10 = x1.fma(b0, s10);
            s11 = x1.fma(b1, s11);
            FloatVector x2 = FloatVector.broadcast(Simd.F, a[a2 + k]);
            s20 = x2.fma(b0, s20);
            s21 = x2.fma(b1, s21);
            FloatVector x3 = FloatVector.broadcast(Simd.F, a[a3 + k]);
            s30 = x3.fma(b0, s30);
            s31 = x3.fma(b1, s31);
            FloatVector x4 = FloatVector.broadcast(Simd.F, a[a4 + k]);
            s40 = x4.fma(b0, s40);
            s41 = x4.fma(b1, s41);
            FloatVector x5 = FloatVector.broadcast(Simd.F, a[a5 + k]);
            s50 = x5.fma(b0, s50);
            s51 = x5.fma(b1, s51);
        }
        FloatVector one = FloatVector.broadcast(Simd.F, 1f); // see NarrowGemmTile
        one.mul(s00).intoArray(c, cAt);
        one.mul(s01).intoArray(c, cAt + LANES);
        one.mul(s10).intoArray(c, c1);
        one.mul(s11).intoArray(c, c1 + LANES);
        one.mul(s20).intoArray(c, c2);
        one.mul(s21).intoArray(c, c2 + LANES);
        one.mul(s30).intoArray(c, c3);
        one.mul(s31).intoArray(c, c3 + LANES);
        one.mul(s40).intoArray(c, c4);
        one.mul(s41).intoArray(c, c4 + LANES);
        one.mul(s50).intoArray(c, c5);
        one.mul(s51).intoArray(c, c5 + LANES);
    }

    /** As {@link #lines6x2} for 4 rows. */
    static void lines4x2(
            float beta, float[] c, int cAt, int cRow, float[] a, int aAt, int aRow, float[] b, int bAt, int bRow,
            int depth) {
        int c1 = cAt + 1 * cRow;
        int c2 = cAt + 2 * cRow;
        int c3 = cAt + 3 * cRow;
        FloatVector s00 = initial(beta, c, cAt);
        FloatVector s01 = initial(beta, c, cAt + LANES);
        FloatVector s10 = initial(beta, c, c1);
        FloatVector s11 = initial(beta, c, c1 + LANES);
        FloatVector s20 = initial(beta, c, c2);
        FloatVector s21 = initial(beta, c, c2 + LANES);
        FloatVector s30 = initial(beta, c, c3);
        FloatVector s31 = initial(beta, c, c3 + LANES);
        int a1 = aAt + 1 * aRow;
        int a2 = aAt + 2 * aRow;
        int a3 = aAt + 3 * aRow;
        for (int k = 0; k < depth; k++) {
            FloatVector b0 = FloatVector.fromArray(Simd.F, b, bAt + k * bRow);
            FloatVector b1 = FloatVector.fromArray(Simd.F, b, bAt + k * bRow + LANES);
            FloatVector x0 = FloatVector.broadcast(Simd.F, a[aAt + k]);
            s00 = x0.fma(b0, s00);
            s01 = x0.fma(b1, s01);
            FloatVector x1 = FloatVector.broadcast(Simd.F, a[a1 + k]);
            s10 = x1.fma(b0, s10);
            s11 = x1.fma(b1, s11);
            FloatVector x2 = FloatVector.broadcast(Simd.F, a[a2 + k]);
            s20 = x2.fma(b0, s20);
            s21 = x2.fma(b1, s21);
            FloatVector x3 = FloatVector.broadcast(Simd.F, a[a3 + k]);
            s30 = x3.fma(b0, s30);
            s31 = x3.fma(b1, s31);
        }
        FloatVector one = FloatVector.broadcast(Simd.F, 1f); // see NarrowGemmTile
        one.mul(s00).intoArray(c, cAt);
        one.mul(s01).intoArray(c, cAt + LANES);
        one.mul(s10).intoArray(c, c1);
        one.mul(s11).intoArray(c, c1 + LANES);
        one.mul(s20).intoArray(c, c2);
        one.mul(s21).intoArray(c, c2 + LANES);
        one.mul(s30).intoArray(c, c3);
        one.mul(s31).intoArray(c, c3 + LANES);
    }

    static void rows4x2(
            float beta,
            float[] c,
            int cAt,
            int cRow,
            float[] a,
            int aAt,
            int aRow,
            int aCol,
            float[] b,
            int bAt,
            int bRow,
            int depth) {
        int c1 = cAt + cRow;
        int c2 = c1 + cRow;
        int c3 = c2 + cRow;
        FloatVector s00 = initial(beta, c, cAt);
        FloatVector s01 = initial(beta, c, cAt + LANES);
        FloatVector s10 = initial(beta, c, c1);
        FloatVector s11 = initial(beta, c, c1 + LANES);
        FloatVector s20 = initial(beta, c, c2);
        FloatVector s21 = initial(beta, c, c2 + LANES);
        FloatVector s30 = initial(beta, c, c3);
        FloatVector s31 = initial(beta, c, c3 + LANES);
        int ak = aAt;
        int bk = bAt;
        for (int k = 0; k < depth; k++, ak += aCol, bk += bRow) {
            FloatVector b0 = FloatVector.fromArray(Simd.F, b, bk);
            FloatVector b1 = FloatVector.fromArray(Simd.F, b, bk + LANES);
            FloatVector a0 = FloatVector.broadcast(Simd.F, a[ak]);
            s00 = a0.fma(b0, s00);
            s01 = a0.fma(b1, s01);
            FloatVector a1 = FloatVector.broadcast(Simd.F, a[ak + aRow]);
            s10 = a1.fma(b0, s10);
            s11 = a1.fma(b1, s11);
            FloatVector a2 = FloatVector.broadcast(Simd.F, a[ak + 2 * aRow]);
            s20 = a2.fma(b0, s20);
            s21 = a2.fma(b1, s21);
            FloatVector a3 = FloatVector.broadcast(Simd.F, a[ak + 3 * aRow]);
            s30 = a3.fma(b0, s30);
            s31 = a3.fma(b1, s31);
        }
        FloatVector one = FloatVector.broadcast(Simd.F, 1f);
        one.mul(s00).intoArray(c, cAt);
        one.mul(s01).intoArray(c, cAt + LANES);
        one.mul(s10).intoArray(c, c1);
        one.mul(s11).intoArray(c, c1 + LANES);
        one.mul(s20).intoArray(c, c2);
        one.mul(s21).intoArray(c, c2 + LANES);
        one.mul(s30).intoArray(c, c3);
        one.mul(s31).intoArray(c, c3 + LANES);
    }

    static void rows4x1(
            float beta,
            float[] c,
            int cAt,
            int cRow,
            float[] a,
            int aAt,
            int aRow,
            int aCol,
            float[] b,
            int bAt,
            int bRow,
            int depth) {
        FloatVector s0 = initial(beta, c, cAt);
        FloatVector s1 = initial(beta, c, cAt + cRow);
        FloatVector s2 = initial(beta, c, cAt + 2 * cRow);
        FloatVector s3 = initial(beta, c, cAt + 3 * cRow);
        int ak = aAt;
        int bk = bAt;
        for (int k = 0; k < depth; k++, ak += aCol, bk += bRow) {
            FloatVector b0 = FloatVector.fromArray(Simd.F, b, bk);
            s0 = b0.fma(FloatVector.broadcast(Simd.F, a[ak]), s0);
            s1 = b0.fma(FloatVector.broadcast(Simd.F, a[ak + aRow]), s1);
            s2 = b0.fma(FloatVector.broadcast(Simd.F, a[ak + 2 * aRow]), s2);
            s3 = b0.fma(FloatVector.broadcast(Simd.F, a[ak + 3 * aRow]), s3);
        }
        FloatVector one = FloatVector.broadcast(Simd.F, 1f);
        one.mul(s0).intoArray(c, cAt);
        one.mul(s1).intoArray(c, cAt + cRow);
        one.mul(s2).intoArray(c, cAt + 2 * cRow);
        one.mul(s3).intoArray(c, cAt + 3 * cRow);
    }

    static void row1x1(
            float beta, float[] c, int cAt, float[] a, int aAt, int aCol, float[] b, int bAt, int bRow, int depth) {
        FloatVector s = initial(beta, c, cAt);
        int ak = aAt;
        int bk = bAt;
        for (int k = 0; k < depth; k++, ak += aCol, bk += bRow) {
            s = FloatVector.fromArray(Simd.F, b, bk).fma(FloatVector.broadcast(Simd.F, a[ak]), s);
        }
        s.intoArray(c, cAt);
    }

    private static FloatVector initial(float beta, float[] c, int at) {
        return beta == 0 ? FloatVector.zero(Simd.F) : FloatVector.fromArray(Simd.F, c, at).mul(beta);
    }
}
