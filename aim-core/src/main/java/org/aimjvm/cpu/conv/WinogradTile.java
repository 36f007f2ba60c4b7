package org.aimjvm.cpu.conv;

import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;

import jdk.incubator.vector.FloatVector;
import org.aimjvm.cpu.gemm.NarrowGemmTile;

/**
 * The inner tile of the products between Winograd's transforms: {@code M = U V} for five output channels and two
 * vectors of picture tiles. As {@link NarrowGemmTile}, but it starts from zero, so that the products of a block need
 * not be cleared. Ten accumulators hide the latency of a fused multiply-add at any width of a vector.
 *
 * <p>Each element is one chain of fused multiply-adds in the order of the input channels.
 */
final class WinogradTile {
    /** Output channels of a tile. */
    static final int ROWS = 5;
    /** Picture tiles: two vectors. */
    static final int COLS = 2 * LANES;

    private WinogradTile() {}

    /**
     * {@code m[r, t] = sum over c of u[r, c] v[c, t]}; with fewer rows than {@link #ROWS} the last one is computed
     * again.
     *
     * @param u row r at {@code uAt + r * uRow}
     * @param v {@code depth} rows of {@link #COLS} floats
     * @param m Modified; row r at {@code mAt + r * mRow}
     */
    static void run(
            int rows, int depth, float[] u, int uAt, int uRow, float[] v, int vAt, float[] m, int mAt, int mRow) {
        int last = rows - 1;
        int r1 = uAt + Math.min(1, last) * uRow;
        int r2 = uAt + Math.min(2, last) * uRow;
        int r3 = uAt + Math.min(3, last) * uRow;
        int r4 = uAt + Math.min(4, last) * uRow;
        FloatVector m00 = FloatVector.zero(F);
        FloatVector m01 = FloatVector.zero(F);
        FloatVector m10 = FloatVector.zero(F);
        FloatVector m11 = FloatVector.zero(F);
        FloatVector m20 = FloatVector.zero(F);
        FloatVector m21 = FloatVector.zero(F);
        FloatVector m30 = FloatVector.zero(F);
        FloatVector m31 = FloatVector.zero(F);
        FloatVector m40 = FloatVector.zero(F);
        FloatVector m41 = FloatVector.zero(F);
        for (int c = 0; c < depth; c++) {
            FloatVector v0 = FloatVector.fromArray(F, v, vAt + c * COLS);
            FloatVector v1 = FloatVector.fromArray(F, v, vAt + c * COLS + LANES);
            FloatVector u0 = FloatVector.broadcast(F, u[uAt + c]);
            m00 = u0.fma(v0, m00);
            m01 = u0.fma(v1, m01);
            FloatVector u1 = FloatVector.broadcast(F, u[r1 + c]);
            m10 = u1.fma(v0, m10);
            m11 = u1.fma(v1, m11);
            FloatVector u2 = FloatVector.broadcast(F, u[r2 + c]);
            m20 = u2.fma(v0, m20);
            m21 = u2.fma(v1, m21);
            FloatVector u3 = FloatVector.broadcast(F, u[r3 + c]);
            m30 = u3.fma(v0, m30);
            m31 = u3.fma(v1, m31);
            FloatVector u4 = FloatVector.broadcast(F, u[r4 + c]);
            m40 = u4.fma(v0, m40);
            m41 = u4.fma(v1, m41);
        }
        m00.intoArray(m, mAt);
        m01.intoArray(m, mAt + LANES);
        int at = mAt + Math.min(1, last) * mRow;
        m10.intoArray(m, at);
        m11.intoArray(m, at + LANES);
        at = mAt + Math.min(2, last) * mRow;
        m20.intoArray(m, at);
        m21.intoArray(m, at + LANES);
        at = mAt + Math.min(3, last) * mRow;
        m30.intoArray(m, at);
        m31.intoArray(m, at + LANES);
        at = mAt + Math.min(4, last) * mRow;
        m40.intoArray(m, at);
        m41.intoArray(m, at + LANES);
    }
}
