package org.aimjvm.cpu.gemm;

import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;
import static org.aimjvm.cpu.simd.Simd.PANEL;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import org.aimjvm.backend.Quantization;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.backend.WeightMatrix;
import org.aimjvm.cpu.gemm.WeightBuffers.OfThread;
import org.aimjvm.cpu.memory.Parallel;

/**
 * Weights as 4-bit integers q from 0 to 15 with a scale for each block of 32 inputs. Of a block b
 *
 * <pre>
 * s[b] = chain over k in b of q[j, k] x[k];   y[j] += scale[j, b] (s[b] - 8 X[b]),   X[b] = sum over k in b of x[k]
 * </pre>
 *
 * so that neither the offset nor the scale costs an instruction for each weight. A byte holds the integers of two
 * outputs half a panel apart, the first in the low half.
 */
public final class Int4Panels extends PanelWeights {
    private static final int BLOCK = WeightFormat.BLOCK;
    private static final int OFFSET = 8;
    private static final int HALF = PANEL / 2;

    private final int blocks;
    private final byte[] bytes; // (panels, in, HALF)
    private final float[] scales; // (panels, blocks, PANEL)

    /** @param matrix made integers here unless it is */
    public Int4Panels(WeightMatrix matrix, Parallel parallel, WeightBuffers buffers) {
        super(matrix.out(), matrix.in(), buffers);
        this.blocks = in / BLOCK;
        this.bytes = new byte[Math.multiplyExact(panels, in * HALF) + PackedBytes.SLACK];
        this.scales = new float[panels * blocks * PANEL];
        Rows source = rows(matrix);
        parallel.forRange(panels, packingGrain(), (from, to) -> {
            byte[] q = new byte[in / 2];
            float[] s = new float[blocks];
            float[] w = new float[in];
            for (int j = from * PANEL; j < Math.min(out, to * PANEL); j++) {
                source.read(j, q, s, w);
                int at = j / PANEL * in * HALF + j % HALF;
                int shift = j % PANEL / HALF * 4;
                for (int k = 0; k < in; k++) {
                    int pair = q[k / BLOCK * (BLOCK / 2) + k % (BLOCK / 2)];
                    int nibble = (k % BLOCK < BLOCK / 2 ? pair : pair >> 4) & 15;
                    bytes[at + k * HALF] |= (byte) (nibble << shift);
                }
                for (int b = 0; b < blocks; b++) {
                    scales[(j / PANEL * blocks + b) * PANEL + j % PANEL] = s[b];
                }
            }
        });
    }

    /** Rows of integers, laid out as in {@link WeightMatrix.Int4}. */
    private interface Rows {
        /** Puts row {@code j} to {@code q} and its scales to {@code s}; {@code w} is a buffer for a row. */
        void read(int j, byte[] q, float[] s, float[] w);
    }

    private static Rows rows(WeightMatrix matrix) {
        int in = matrix.in();
        int blocks = in / BLOCK;
        if (matrix instanceof WeightMatrix.Int4 m) {
            return (j, q, s, w) -> {
                System.arraycopy(m.values(), j * (in / 2), q, 0, in / 2);
                System.arraycopy(m.scales(), j * blocks, s, 0, blocks);
            };
        }
        WeightMatrix.Rows floats = matrix.rows();
        return (j, q, s, w) -> {
            floats.read(j, j + 1, w);
            Quantization.int4Row(w, 0, in, q, 0, s, 0);
        };
    }

    /** {@code 8 X[b]} for each row and block. */
    @Override
    void prepare(float[] x, int rows, float[] prepared) {
        for (int i = 0; i < rows * blocks; i++) {
            prepared[i] = OFFSET * sum(x, i * BLOCK);
        }
    }

    @Override
    int preparedFloats(int rows) {
        return rows * blocks;
    }

    @Override
    void one(int panel, float[] x, int r, float[] y, int yAt, OfThread own) {
        float[] sums = own.sums;
        Arrays.fill(y, yAt, yAt + PANEL, 0f);
        for (int b = 0; b < blocks; b++) {
            one(bytes, (panel * in + b * BLOCK) * HALF, x, r * in + b * BLOCK, BLOCK, sums);
            add(y, yAt, sums, 0, (panel * blocks + b) * PANEL, own.prepared[r * blocks + b]);
        }
    }

    @Override
    void two(int panel, float[] x, int r, float[] y0, int at0, float[] y1, int at1, OfThread own) {
        float[] sums = own.sums;
        Arrays.fill(y0, at0, at0 + PANEL, 0f);
        Arrays.fill(y1, at1, at1 + PANEL, 0f);
        for (int b = 0; b < blocks; b++) {
            int xAt = r * in + b * BLOCK;
            int scaleAt = (panel * blocks + b) * PANEL;
            two(bytes, (panel * in + b * BLOCK) * HALF, x, xAt, xAt + in, BLOCK, sums, 0, PANEL);
            add(y0, at0, sums, 0, scaleAt, own.prepared[r * blocks + b]);
            add(y1, at1, sums, PANEL, scaleAt, own.prepared[(r + 1) * blocks + b]);
        }
    }

    /** {@code y += scale (sum - offset)} for a panel. */
    private void add(float[] y, int yAt, float[] sums, int sumAt, int scaleAt, float offset) {
        for (int i = 0; i < PANEL; i += LANES) {
            FloatVector.fromArray(F, sums, sumAt + i)
                    .sub(offset)
                    .fma(FloatVector.fromArray(F, scales, scaleAt + i), FloatVector.fromArray(F, y, yAt + i))
                    .intoArray(y, yAt + i);
        }
    }

    /** Sum of a block of x, in an order that depends on nothing. */
    private static float sum(float[] x, int at) {
        float s0 = 0;
        float s1 = 0;
        float s2 = 0;
        float s3 = 0;
        for (int k = at; k < at + BLOCK; k += 4) {
            s0 += x[k];
            s1 += x[k + 1];
            s2 += x[k + 2];
            s3 += x[k + 3];
        }
        return s0 + s1 + (s2 + s3);
    }

    private static FloatVector low(IntVector v) {
        return (FloatVector) v.and(15).convert(I2F, 0);
    }

    private static FloatVector high(IntVector v) {
        return (FloatVector) v.lanewise(LSHR, 4).convert(I2F, 0);
    }

    private static void one(byte[] w, int wAt, float[] x, int xAt, int n, float[] sums) {
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = a0;
        FloatVector a2 = a0;
        FloatVector a3 = a0;
        int at = wAt;
        for (int k = 0; k < n; k++, at += HALF) {
            FloatVector xa = FloatVector.broadcast(F, x[xAt + k]);
            IntVector v = PackedBytes.unsigned(w, at, 0);
            a0 = low(v).fma(xa, a0);
            a2 = high(v).fma(xa, a2);
            v = PackedBytes.unsigned(w, at, 1);
            a1 = low(v).fma(xa, a1);
            a3 = high(v).fma(xa, a3);
        }
        a0.intoArray(sums, 0);
        a1.intoArray(sums, LANES);
        a2.intoArray(sums, 2 * LANES);
        a3.intoArray(sums, 3 * LANES);
    }

    /**
     * Longer than what HotSpot inlines (325 bytes of bytecode), as it must be: inlined into the loop over blocks, its
     * vectors would go through the heap.
     */
    private static void two(
            byte[] w, int wAt, float[] x, int x0, int x1, int n, float[] sums, int first, int second) {
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = a0;
        FloatVector a2 = a0;
        FloatVector a3 = a0;
        FloatVector b0 = a0;
        FloatVector b1 = a0;
        FloatVector b2 = a0;
        FloatVector b3 = a0;
        int at = wAt;
        for (int k = 0; k < n; k++, at += HALF) {
            FloatVector xa = FloatVector.broadcast(F, x[x0 + k]);
            FloatVector xb = FloatVector.broadcast(F, x[x1 + k]);
            IntVector v = PackedBytes.unsigned(w, at, 0);
            FloatVector q = low(v);
            a0 = q.fma(xa, a0);
            b0 = q.fma(xb, b0);
            q = high(v);
            a2 = q.fma(xa, a2);
            b2 = q.fma(xb, b2);
            v = PackedBytes.unsigned(w, at, 1);
            q = low(v);
            a1 = q.fma(xa, a1);
            b1 = q.fma(xb, b1);
            q = high(v);
            a3 = q.fma(xa, a3);
            b3 = q.fma(xb, b3);
        }
        a0.intoArray(sums, first);
        a1.intoArray(sums, first + LANES);
        a2.intoArray(sums, first + 2 * LANES);
        a3.intoArray(sums, first + 3 * LANES);
        b0.intoArray(sums, second);
        b1.intoArray(sums, second + LANES);
        b2.intoArray(sums, second + 2 * LANES);
        b3.intoArray(sums, second + 3 * LANES);
    }

    @Override
    public void row(int j, float[] values, int to) {
        int at = j / PANEL * in * HALF + j % HALF;
        int shift = j % PANEL / HALF * 4;
        for (int k = 0; k < in; k++) {
            int q = bytes[at + k * HALF] >> shift & 15;
            values[to + k] = (q - OFFSET) * scales[(j / PANEL * blocks + k / BLOCK) * PANEL + j % PANEL];
        }
    }
}
