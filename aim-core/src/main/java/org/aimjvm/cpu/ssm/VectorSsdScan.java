package org.aimjvm.cpu.ssm;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.aimjvm.backend.SsdShape;
import org.aimjvm.cpu.gemm.SmallGemm;
import org.aimjvm.cpu.gemm.SmallGemm.Part;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.memory.Workspace;
import org.aimjvm.cpu.simd.Simd;

/**
 * Forward SSD scan. One element is the recurrent update ({@link VectorSsdStep}). Longer inputs go in chunks of
 * {@link SsdChunk#SIZE} (Dao and Gu 2024, section 6), for each head
 *
 * <pre>
 * y_i = sum over j &lt;= i of (C_i . B_j) decay[i, j] d_j x_j  +  fromStart[i] S C_i  +  D x_i
 * S   = total S + sum over j of toEnd[j] d_j x_j B_j^T
 * </pre>
 *
 * <p>as products of small matrices, with the state as (N, P) so that lanes are channels throughout. C_i . B_j is
 * shared by the heads of a task.
 */
final class VectorSsdScan {
    private static final int Q = SsdChunk.SIZE;
    private static final int LANES = Simd.LANES;

    /** Working memory of one thread. */
    static final class Work {
        final Workspace workspace = new Workspace();
        final SsdChunk chunk = new SsdChunk();
        final float[] dStep = new float[Q];
        final double[] dLogDecay = new double[Q];
    }

    private VectorSsdScan() {}

    static void scan(SsdInputs in, float[] ys, float[] finals, Parallel parallel, ThreadLocal<Work> work) {
        SsdShape s = in.s();
        if (s.length() == 1) {
            VectorSsdStep.run(in, ys, finals, parallel);
            return;
        }
        parallel.forRange(in.tasks(), 1, (from, to) -> {
            for (int task = from; task < to; task++) {
                chunks(in, ys, finals, in.sequence(task), in.firstHead(task), in.endHead(task), work.get());
            }
        });
    }

    private static void chunks(SsdInputs in, float[] ys, float[] finals, int b, int first, int end, Work work) {
        SsdShape s = in.s();
        int pDim = s.headDim();
        int nDim = s.dState();
        int pPad = SsdChunk.padded(pDim);
        int xbcDim = s.xbcDim();
        SsdChunk chunk = work.chunk;
        float[] bT = work.workspace.floats(0, nDim * Q); // (N, Q)
        float[] g = work.workspace.floats(1, Q * Q); // C_i . B_j
        float[] x = work.workspace.floats(2, Q * pPad);
        float[] y = work.workspace.floats(3, Q * pPad);
        float[] skip = work.workspace.floats(5, pPad);
        float[] states = work.workspace.floats(4, (end - first) * nDim * pPad); // (N, P) for each head
        boolean hasState = in.initial() != null;
        for (int h = first; h < end && hasState; h++) {
            SmallGemm.transpose(states, (h - first) * nDim * pPad, pPad, pPad, in.initial(), in.stateAt(b, h), nDim,
                    pDim, nDim);
        }
        for (int t = 0; t < s.length(); t += Q) {
            int q = Math.min(Q, s.length() - t);
            int row = b * s.length() + t;
            int cAt = in.cAt(row, first);
            boolean wantState = finals != null || t + q < s.length();
            SmallGemm.transpose(bT, 0, Q, SsdChunk.padded(q), in.xbc(), in.bAt(row, first), xbcDim, q, nDim);
            SmallGemm.multiply(
                    0, g, 0, Q, in.xbc(), cAt, xbcDim, 1, bT, 0, Q, q, SsdChunk.padded(q), nDim, Part.C_LOWER);
            for (int h = first; h < end; h++) {
                int stateAt = (h - first) * nDim * pPad;
                in.loadChunk(chunk, row, h, q);
                chunk.fillDecay();
                chunk.weigh(g, 0);
                SmallGemm.copy(x, 0, pPad, in.xbc(), in.xAt(row, h), xbcDim, q, pDim);
                if (hasState) {
                    SmallGemm.multiply(
                            0, y, 0, pPad, in.xbc(), cAt, xbcDim, 1, states, stateAt, pPad, q, pPad, nDim, Part.ALL);
                }
                in.fillSkip(skip, h);
                carriedAndSkipped(y, chunk.fromStart, hasState, skip, x, q, pPad);
                SmallGemm.multiply(1, y, 0, pPad, chunk.decay, 0, Q, 1, x, 0, pPad, q, pPad, q, Part.A_LOWER);
                for (int i = 0; i < q; i++) {
                    System.arraycopy(y, i * pPad, ys, (row + i) * s.innerDim() + h * pDim, pDim);
                }
                if (wantState) {
                    scaleRows(x, chunk.step, chunk.toEnd, q, pPad);
                    SmallGemm.multiply(
                            hasState ? chunk.total() : 0f,
                            states, stateAt, pPad, bT, 0, Q, 1, x, 0, pPad, nDim, pPad, q, Part.ALL);
                }
            }
            hasState = true;
        }
        for (int h = first; h < end && finals != null; h++) {
            if (hasState) {
                SmallGemm.transpose(
                        finals, in.stateAt(b, h), nDim, nDim, states, (h - first) * nDim * pPad, pPad, nDim, pDim);
            } else {
                Arrays.fill(finals, in.stateAt(b, h), in.stateAt(b, h) + pDim * nDim, 0f); // no elements, no state
            }
        }
    }

    /** {@code y_i = fromStart_i y_i + D x_i}, without the first term if there is no state. */
    private static void carriedAndSkipped(
            float[] y, float[] fromStart, boolean hasState, float[] skip, float[] x, int q, int width) {
        for (int i = 0; i < q; i++) {
            FloatVector carried = FloatVector.broadcast(Simd.F, fromStart[i]);
            for (int p = 0; p < width; p += LANES) {
                int at = i * width + p;
                FloatVector skipped = FloatVector.fromArray(Simd.F, skip, p).mul(FloatVector.fromArray(Simd.F, x, at));
                (hasState ? FloatVector.fromArray(Simd.F, y, at).fma(carried, skipped) : skipped).intoArray(y, at);
            }
        }
    }

    /** {@code x_i *= f_i g_i} for rows i of {@code width} elements. */
    static void scaleRows(float[] x, float[] f, float[] g, int rows, int width) {
        for (int i = 0; i < rows; i++) {
            scale(x, i * width, f[i] * g[i], width);
        }
    }

    /** {@code y *= alpha}; {@code count} a multiple of the lanes. */
    static void scale(float[] y, int yAt, float alpha, int count) {
        for (int i = 0; i < count; i += LANES) {
            FloatVector.fromArray(Simd.F, y, yAt + i).mul(alpha).intoArray(y, yAt + i);
        }
    }

    /** {@code y += alpha x}; {@code count} a multiple of the lanes. */
    static void addScaled(float[] y, int yAt, float alpha, float[] x, int xAt, int count) {
        FloatVector a = FloatVector.broadcast(Simd.F, alpha);
        for (int i = 0; i < count; i += LANES) {
            a.fma(FloatVector.fromArray(Simd.F, x, xAt + i), FloatVector.fromArray(Simd.F, y, yAt + i)).intoArray(y,
                    yAt + i);
        }
    }
}
