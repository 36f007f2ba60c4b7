package org.aimjvm.cpu.simd;

import static org.aimjvm.cpu.simd.Simd.LANES;

import org.aimjvm.cpu.memory.Warmth;

/**
 * What vector kernels compute where lanes show in the result or in the layout of weights, as plain loops with the same
 * bits, for a JVM that is {@linkplain Warmth cold}. Every loop stands beside its vector twin in {@code WarmthTest}.
 *
 * <p>Sums are held in local variables, four at a time, rather than in arrays by lane: the interpreter and the first
 * compiler, for which these loops are written, then touch memory a third as often.
 */
public final class ScalarTwins {
    /** Interleaved sums of an element of a product with weights that lie row by row. */
    public static final int SUMS = 16;

    private static final int HIGH = 0xffff0000;

    private ScalarTwins() {}

    /** {@link VectorSums#dot}. The product of two floats is exact in F64, so adding it is a fused multiply-add. */
    public static double dot(float[] a, int atA, float[] b, int atB, int count) {
        double[] lanes = new double[LANES];
        int vectors = count / LANES * LANES;
        for (int lane = 0; lane < LANES; lane += 4) {
            double s0 = 0;
            double s1 = 0;
            double s2 = 0;
            double s3 = 0;
            for (int i = lane; i < vectors; i += LANES) {
                s0 += (double) a[atA + i] * b[atB + i];
                s1 += (double) a[atA + i + 1] * b[atB + i + 1];
                s2 += (double) a[atA + i + 2] * b[atB + i + 2];
                s3 += (double) a[atA + i + 3] * b[atB + i + 3];
            }
            lanes[lane] = s0;
            lanes[lane + 1] = s1;
            lanes[lane + 2] = s2;
            lanes[lane + 3] = s3;
        }
        for (int half = LANES / 2; half > 0; half /= 2) {
            for (int i = 0; i < half; i++) {
                lanes[i] += lanes[i + half];
            }
        }
        double total = lanes[0];
        for (int i = vectors; i < count; i++) {
            total += (double) a[atA + i] * b[atB + i];
        }
        return total;
    }

    /** {@link org.aimjvm.cpu.gemm.Bf16Panels#one}. */
    public static void bf16(int[] w, int wAt, float[] x, int xAt, int in, float[] y, int yAt) {
        for (int lane = 0; lane < Simd.PANEL; lane += 4) {
            float a0 = 0;
            float a1 = 0;
            float a2 = 0;
            float a3 = 0;
            int at = wAt + lane;
            int k = xAt;
            for (; k < xAt + in - 1; k += 2, at += Simd.PANEL) {
                float even = x[k];
                float odd = x[k + 1];
                a0 = Math.fma(high(w[at]), odd, Math.fma(low(w[at]), even, a0));
                a1 = Math.fma(high(w[at + 1]), odd, Math.fma(low(w[at + 1]), even, a1));
                a2 = Math.fma(high(w[at + 2]), odd, Math.fma(low(w[at + 2]), even, a2));
                a3 = Math.fma(high(w[at + 3]), odd, Math.fma(low(w[at + 3]), even, a3));
            }
            if (k < xAt + in) {
                a0 = Math.fma(low(w[at]), x[k], a0);
                a1 = Math.fma(low(w[at + 1]), x[k], a1);
                a2 = Math.fma(low(w[at + 2]), x[k], a2);
                a3 = Math.fma(low(w[at + 3]), x[k], a3);
            }
            y[yAt + lane] = a0;
            y[yAt + lane + 1] = a1;
            y[yAt + lane + 2] = a2;
            y[yAt + lane + 3] = a3;
        }
    }

    /** {@link org.aimjvm.cpu.gemm.Bf16Panels#two}. */
    public static void bf16(
            int[] w, int wAt, float[] x, int x0, int x1, int in, float[] y0, int at0, float[] y1, int at1) {
        for (int lane = 0; lane < Simd.PANEL; lane += 4) {
            float a0 = 0;
            float a1 = 0;
            float a2 = 0;
            float a3 = 0;
            float b0 = 0;
            float b1 = 0;
            float b2 = 0;
            float b3 = 0;
            int at = wAt + lane;
            int k = 0;
            for (; k < in - 1; k += 2, at += Simd.PANEL) {
                float xa = x[x0 + k];
                float xb = x[x1 + k];
                float ya = x[x0 + k + 1];
                float yb = x[x1 + k + 1];
                float low = low(w[at]);
                float high = high(w[at]);
                a0 = Math.fma(high, ya, Math.fma(low, xa, a0));
                b0 = Math.fma(high, yb, Math.fma(low, xb, b0));
                low = low(w[at + 1]);
                high = high(w[at + 1]);
                a1 = Math.fma(high, ya, Math.fma(low, xa, a1));
                b1 = Math.fma(high, yb, Math.fma(low, xb, b1));
                low = low(w[at + 2]);
                high = high(w[at + 2]);
                a2 = Math.fma(high, ya, Math.fma(low, xa, a2));
                b2 = Math.fma(high, yb, Math.fma(low, xb, b2));
                low = low(w[at + 3]);
                high = high(w[at + 3]);
                a3 = Math.fma(high, ya, Math.fma(low, xa, a3));
                b3 = Math.fma(high, yb, Math.fma(low, xb, b3));
            }
            if (k < in) {
                float xa = x[x0 + k];
                float xb = x[x1 + k];
                a0 = Math.fma(low(w[at]), xa, a0);
                b0 = Math.fma(low(w[at]), xb, b0);
                a1 = Math.fma(low(w[at + 1]), xa, a1);
                b1 = Math.fma(low(w[at + 1]), xb, b1);
                a2 = Math.fma(low(w[at + 2]), xa, a2);
                b2 = Math.fma(low(w[at + 2]), xb, b2);
                a3 = Math.fma(low(w[at + 3]), xa, a3);
                b3 = Math.fma(low(w[at + 3]), xb, b3);
            }
            y0[at0 + lane] = a0;
            y0[at0 + lane + 1] = a1;
            y0[at0 + lane + 2] = a2;
            y0[at0 + lane + 3] = a3;
            y1[at1 + lane] = b0;
            y1[at1 + lane + 1] = b1;
            y1[at1 + lane + 2] = b2;
            y1[at1 + lane + 3] = b3;
        }
    }

    private static float low(int word) {
        return Float.intBitsToFloat(word << 16);
    }

    private static float high(int word) {
        return Float.intBitsToFloat(word & HIGH);
    }

    /**
     * {@link org.aimjvm.cpu.ssm.VectorSsdStep#row}.
     *
     * @param sums working memory, one element per lane
     */
    public static float ssdRow(
            float[] finals, float[] initials, int at, float[] xbc, int bAt, int cAt, int nDim, float dx, float decay,
            float[] sums) {
        int vectors = nDim / LANES * LANES;
        for (int lane = 0; lane < LANES; lane++) {
            float sum = 0;
            for (int n = lane; n < vectors; n += LANES) {
                float state = xbc[bAt + n] * dx;
                if (initials != null) {
                    state = Math.fma(initials[at + n], decay, state);
                }
                if (finals != null) {
                    finals[at + n] = state;
                }
                sum = Math.fma(state, xbc[cAt + n], sum);
            }
            sums[lane] = sum;
        }
        for (int half = LANES / 2; half > 0; half /= 2) {
            for (int i = 0; i < half; i++) {
                sums[i] += sums[i + half];
            }
        }
        float total = sums[0];
        for (int n = vectors; n < nDim; n++) {
            float state = xbc[bAt + n] * dx;
            if (initials != null) {
                state = Math.fma(initials[at + n], decay, state);
            }
            if (finals != null) {
                finals[at + n] = state;
            }
            total = Math.fma(state, xbc[cAt + n], total);
        }
        return total;
    }

    /**
     * {@link org.aimjvm.cpu.gemm.RowDots#one} and {@link org.aimjvm.cpu.gemm.RowTile#multiply}: the interleaved sums of
     * a row of W and a row of x.
     */
    public static void rowSums(float[] w, float[] x, int xAt, int n, float[] sums) {
        for (int i = 0; i < SUMS; i += 4) {
            float s0 = 0;
            float s1 = 0;
            float s2 = 0;
            float s3 = 0;
            for (int k = i; k < n; k += SUMS) {
                s0 = Math.fma(w[k], x[xAt + k], s0);
                s1 = Math.fma(w[k + 1], x[xAt + k + 1], s1);
                s2 = Math.fma(w[k + 2], x[xAt + k + 2], s2);
                s3 = Math.fma(w[k + 3], x[xAt + k + 3], s3);
            }
            sums[i] = s0;
            sums[i + 1] = s1;
            sums[i + 2] = s2;
            sums[i + 3] = s3;
        }
    }
}
