package org.aimjvm.cpu.gemm;

import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;
import static org.aimjvm.cpu.simd.Simd.PANEL;

import jdk.incubator.vector.FloatVector;
import org.aimjvm.backend.Quantization;
import org.aimjvm.backend.WeightMatrix;
import org.aimjvm.cpu.gemm.WeightBuffers.OfThread;
import org.aimjvm.cpu.memory.Parallel;

/**
 * Weights as 8-bit integers: {@code y[j] = scale[j] * (chain over k of q[j, k] x[k])}, the integers taken as floats,
 * which they are exactly.
 */
public final class Int8Panels extends UnpackedPanels {
    private static final int FEW_ROWS = 4;

    private final byte[] bytes; // (panels, in, PANEL)
    private final float[] scales; // (panels * PANEL)

    /** @param matrix made integers here unless it is */
    public Int8Panels(WeightMatrix matrix, Parallel parallel, WeightBuffers buffers) {
        super(matrix.out(), matrix.in(), FEW_ROWS, buffers);
        this.bytes = new byte[Math.multiplyExact(panels, in * PANEL) + PackedBytes.SLACK];
        this.scales = new float[panels * PANEL];
        Rows source = rows(matrix);
        parallel.forRange(panels, packingGrain(), (from, to) -> {
            byte[] q = new byte[PANEL * in];
            float[] w = new float[in];
            for (int panel = from; panel < to; panel++) {
                int first = panel * PANEL;
                int rows = Math.min(PANEL, out - first);
                for (int lane = 0; lane < rows; lane++) {
                    scales[first + lane] = source.read(first + lane, q, lane * in, w);
                }
                for (int k = 0; k < in; k++) {
                    int at = (panel * in + k) * PANEL;
                    for (int lane = 0; lane < rows; lane++) {
                        bytes[at + lane] = q[lane * in + k];
                    }
                }
            }
        });
    }

    /** Rows of integers. */
    private interface Rows {
        /**
         * Puts row {@code j} to {@code q} from {@code to} on and returns its scale; {@code w} is a buffer for a row.
         */
        float read(int j, byte[] q, int to, float[] w);
    }

    private static Rows rows(WeightMatrix matrix) {
        int in = matrix.in();
        if (matrix instanceof WeightMatrix.Int8 m) {
            return (j, q, to, w) -> {
                System.arraycopy(m.values(), j * in, q, to, in);
                return m.scales()[j];
            };
        }
        WeightMatrix.Rows floats = matrix.rows();
        return (j, q, to, w) -> {
            floats.read(j, j + 1, w);
            return Quantization.int8Row(w, 0, in, q, to);
        };
    }

    @Override
    void one(int panel, float[] x, int r, float[] y, int yAt, OfThread b) {
        one(bytes, panel * in * PANEL, x, r * in, in, y, yAt);
        finish(y, yAt, panel * PANEL, PANEL);
    }

    @Override
    void two(int panel, float[] x, int r, float[] y0, int at0, float[] y1, int at1, OfThread b) {
        two(bytes, panel * in * PANEL, x, r * in, (r + 1) * in, in, y0, at0, y1, at1);
        finish(y0, at0, panel * PANEL, PANEL);
        finish(y1, at1, panel * PANEL, PANEL);
    }

    @Override
    void finish(float[] y, int yAt, int j, int count) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector.fromArray(F, y, yAt + i).mul(FloatVector.fromArray(F, scales, j + i)).intoArray(y, yAt + i);
        }
        for (; i < count; i++) {
            y[yAt + i] *= scales[j + i];
        }
    }

    private static void one(byte[] w, int wAt, float[] x, int xAt, int in, float[] y, int yAt) {
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = a0;
        FloatVector a2 = a0;
        FloatVector a3 = a0;
        int at = wAt;
        for (int k = 0; k < in; k++, at += PANEL) {
            FloatVector xa = FloatVector.broadcast(F, x[xAt + k]);
            a0 = PackedBytes.signed(w, at, 0).fma(xa, a0);
            a1 = PackedBytes.signed(w, at, 1).fma(xa, a1);
            a2 = PackedBytes.signed(w, at, 2).fma(xa, a2);
            a3 = PackedBytes.signed(w, at, 3).fma(xa, a3);
        }
        a0.intoArray(y, yAt);
        a1.intoArray(y, yAt + LANES);
        a2.intoArray(y, yAt + 2 * LANES);
        a3.intoArray(y, yAt + 3 * LANES);
    }

    private static void two(
            byte[] w, int wAt, float[] x, int x0, int x1, int in, float[] y0, int at0, float[] y1, int at1) {
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = a0;
        FloatVector a2 = a0;
        FloatVector a3 = a0;
        FloatVector b0 = a0;
        FloatVector b1 = a0;
        FloatVector b2 = a0;
        FloatVector b3 = a0;
        int at = wAt;
        for (int k = 0; k < in; k++, at += PANEL) {
            FloatVector xa = FloatVector.broadcast(F, x[x0 + k]);
            FloatVector xb = FloatVector.broadcast(F, x[x1 + k]);
            FloatVector q = PackedBytes.signed(w, at, 0);
            a0 = q.fma(xa, a0);
            b0 = q.fma(xb, b0);
            q = PackedBytes.signed(w, at, 1);
            a1 = q.fma(xa, a1);
            b1 = q.fma(xb, b1);
            q = PackedBytes.signed(w, at, 2);
            a2 = q.fma(xa, a2);
            b2 = q.fma(xb, b2);
            q = PackedBytes.signed(w, at, 3);
            a3 = q.fma(xa, a3);
            b3 = q.fma(xb, b3);
        }
        a0.intoArray(y0, at0);
        a1.intoArray(y0, at0 + LANES);
        a2.intoArray(y0, at0 + 2 * LANES);
        a3.intoArray(y0, at0 + 3 * LANES);
        b0.intoArray(y1, at1);
        b1.intoArray(y1, at1 + LANES);
        b2.intoArray(y1, at1 + 2 * LANES);
        b3.intoArray(y1, at1 + 3 * LANES);
    }

    @Override
    void unpack(int panel, int k, int depth, float[] block) {
        for (int i = 0; i < depth; i++) {
            int from = (panel * in + k + i) * PANEL;
            PackedBytes.signed(bytes, from, 0).intoArray(block, unpacked(depth, i, 0));
            PackedBytes.signed(bytes, from, 1).intoArray(block, unpacked(depth, i, LANES));
            PackedBytes.signed(bytes, from, 2).intoArray(block, unpacked(depth, i, 2 * LANES));
            PackedBytes.signed(bytes, from, 3).intoArray(block, unpacked(depth, i, 3 * LANES));
        }
    }

    @Override
    public void row(int j, float[] values, int to) {
        int at = j / PANEL * in * PANEL + j % PANEL;
        for (int k = 0; k < in; k++) {
            values[to + k] = bytes[at + k * PANEL] * scales[j];
        }
    }
}
