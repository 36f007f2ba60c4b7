package org.aimjvm.cpu.gemm;

import static jdk.incubator.vector.VectorOperators.LSHL;
import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.I;
import static org.aimjvm.cpu.simd.Simd.LANES;
import static org.aimjvm.cpu.simd.Simd.PANEL;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import org.aimjvm.backend.Quantization;
import org.aimjvm.backend.WeightMatrix;
import org.aimjvm.cpu.gemm.WeightBuffers.OfThread;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.memory.Warmth;
import org.aimjvm.cpu.simd.ScalarTwins;

/**
 * Weights in BF16. An int holds the weights of an output for two inputs, the first in the low half: a shift makes a
 * float of one, a mask of the other. Products have the bits of F32 products with the same values.
 */
public final class Bf16Panels extends UnpackedPanels {
    private static final int HIGH = 0xffff0000;
    private static final int FEW_ROWS = 16;

    private final int pairs;
    private final int[] words; // (panels, pairs, PANEL)

    /** @param matrix rounded here */
    public Bf16Panels(WeightMatrix matrix, Parallel parallel, WeightBuffers buffers) {
        super(matrix.out(), matrix.in(), FEW_ROWS, buffers);
        this.pairs = (in + 1) / 2;
        this.words = new int[Math.multiplyExact(panels, pairs * PANEL)];
        WeightMatrix.Rows source = matrix.rows();
        parallel.forRange(panels, packingGrain(), (from, to) -> {
            float[] w = new float[PANEL * in];
            for (int panel = from; panel < to; panel++) {
                int first = panel * PANEL;
                int rows = Math.min(PANEL, out - first);
                source.read(first, first + rows, w);
                for (int k = 0; k < in; k += 2) {
                    int word = (panel * pairs + k / 2) * PANEL;
                    for (int lane = 0; lane < rows; lane++) {
                        int at = lane * in + k;
                        int high = k + 1 < in ? Quantization.bf16Bits(w[at + 1]) << 16 : 0;
                        words[word + lane] = Quantization.bf16Bits(w[at]) | high;
                    }
                }
            }
        });
    }

    @Override
    void one(int panel, float[] x, int r, float[] y, int yAt, OfThread b) {
        int at = panel * pairs * PANEL;
        if (Warmth.isCold()) {
            ScalarTwins.bf16(words, at, x, r * in, in, y, yAt);
        } else {
            one(words, at, x, r * in, in, y, yAt);
        }
    }

    @Override
    void two(int panel, float[] x, int r, float[] y0, int at0, float[] y1, int at1, OfThread b) {
        int at = panel * pairs * PANEL;
        if (Warmth.isCold()) {
            ScalarTwins.bf16(words, at, x, r * in, (r + 1) * in, in, y0, at0, y1, at1);
        } else {
            two(words, at, x, r * in, (r + 1) * in, in, y0, at0, y1, at1);
        }
    }

    private static void one(int[] w, int wAt, float[] x, int xAt, int in, float[] y, int yAt) {
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = a0;
        FloatVector a2 = a0;
        FloatVector a3 = a0;
        int at = wAt;
        int k = 0;
        for (; k < in - 1; k += 2, at += PANEL) {
            FloatVector xa = FloatVector.broadcast(F, x[xAt + k]);
            FloatVector xb = FloatVector.broadcast(F, x[xAt + k + 1]);
            IntVector v = IntVector.fromArray(I, w, at);
            a0 = high(v).fma(xb, low(v).fma(xa, a0));
            v = IntVector.fromArray(I, w, at + LANES);
            a1 = high(v).fma(xb, low(v).fma(xa, a1));
            v = IntVector.fromArray(I, w, at + 2 * LANES);
            a2 = high(v).fma(xb, low(v).fma(xa, a2));
            v = IntVector.fromArray(I, w, at + 3 * LANES);
            a3 = high(v).fma(xb, low(v).fma(xa, a3));
        }
        if (k < in) {
            FloatVector xa = FloatVector.broadcast(F, x[xAt + k]);
            a0 = low(IntVector.fromArray(I, w, at)).fma(xa, a0);
            a1 = low(IntVector.fromArray(I, w, at + LANES)).fma(xa, a1);
            a2 = low(IntVector.fromArray(I, w, at + 2 * LANES)).fma(xa, a2);
            a3 = low(IntVector.fromArray(I, w, at + 3 * LANES)).fma(xa, a3);
        }
        a0.intoArray(y, yAt);
        a1.intoArray(y, yAt + LANES);
        a2.intoArray(y, yAt + 2 * LANES);
        a3.intoArray(y, yAt + 3 * LANES);
    }

    private static void two(
            int[] w, int wAt, float[] x, int x0, int x1, int in, float[] y0, int at0, float[] y1, int at1) {
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = a0;
        FloatVector a2 = a0;
        FloatVector a3 = a0;
        FloatVector b0 = a0;
        FloatVector b1 = a0;
        FloatVector b2 = a0;
        FloatVector b3 = a0;
        int at = wAt;
        int k = 0;
        for (; k < in - 1; k += 2, at += PANEL) {
            FloatVector xa = FloatVector.broadcast(F, x[x0 + k]);
            FloatVector xb = FloatVector.broadcast(F, x[x1 + k]);
            FloatVector ya = FloatVector.broadcast(F, x[x0 + k + 1]);
            FloatVector yb = FloatVector.broadcast(F, x[x1 + k + 1]);
            IntVector v = IntVector.fromArray(I, w, at);
            FloatVector low = low(v);
            FloatVector high = high(v);
            a0 = high.fma(ya, low.fma(xa, a0));
            b0 = high.fma(yb, low.fma(xb, b0));
            v = IntVector.fromArray(I, w, at + LANES);
            low = low(v);
            high = high(v);
            a1 = high.fma(ya, low.fma(xa, a1));
            b1 = high.fma(yb, low.fma(xb, b1));
            v = IntVector.fromArray(I, w, at + 2 * LANES);
            low = low(v);
            high = high(v);
            a2 = high.fma(ya, low.fma(xa, a2));
            b2 = high.fma(yb, low.fma(xb, b2));
            v = IntVector.fromArray(I, w, at + 3 * LANES);
            low = low(v);
            high = high(v);
            a3 = high.fma(ya, low.fma(xa, a3));
            b3 = high.fma(yb, low.fma(xb, b3));
        }
        if (k < in) {
            FloatVector xa = FloatVector.broadcast(F, x[x0 + k]);
            FloatVector xb = FloatVector.broadcast(F, x[x1 + k]);
            FloatVector low = low(IntVector.fromArray(I, w, at));
            a0 = low.fma(xa, a0);
            b0 = low.fma(xb, b0);
            low = low(IntVector.fromArray(I, w, at + LANES));
            a1 = low.fma(xa, a1);
            b1 = low.fma(xb, b1);
            low = low(IntVector.fromArray(I, w, at + 2 * LANES));
            a2 = low.fma(xa, a2);
            b2 = low.fma(xb, b2);
            low = low(IntVector.fromArray(I, w, at + 3 * LANES));
            a3 = low.fma(xa, a3);
            b3 = low.fma(xb, b3);
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

    private static FloatVector low(IntVector v) {
        return v.lanewise(LSHL, 16).reinterpretAsFloats();
    }

    private static FloatVector high(IntVector v) {
        return v.and(HIGH).reinterpretAsFloats();
    }

    @Override
    void unpack(int panel, int k, int depth, float[] block) {
        int from = (panel * pairs + k / 2) * PANEL;
        for (int i = 0; i < (depth + 1) / 2; i++) {
            for (int lane = 0; lane < PANEL; lane += LANES) {
                IntVector v = IntVector.fromArray(I, words, from + i * PANEL + lane);
                int to = unpacked(depth, 2 * i, lane);
                low(v).intoArray(block, to);
                if (2 * i + 1 < depth) {
                    high(v).intoArray(block, to + GemmTile.COLS);
                }
            }
        }
    }

    @Override
    public void row(int j, float[] values, int to) {
        int at = j / PANEL * pairs * PANEL + j % PANEL;
        for (int k = 0; k < in; k++) {
            int word = words[at + k / 2 * PANEL];
            values[to + k] = Float.intBitsToFloat(k % 2 == 0 ? word << 16 : word & HIGH);
        }
    }
}
