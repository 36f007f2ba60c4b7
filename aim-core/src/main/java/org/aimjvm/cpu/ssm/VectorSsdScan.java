package org.aimjvm.cpu.ssm;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.aimjvm.backend.SsdShape;
import org.aimjvm.cpu.gemm.SmallGemm;
import org.aimjvm.cpu.gemm.SmallGemm.Part;
import org.aimjvm.cpu.memory.Parallel;
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

    private final SsdArrays in;
    private final SsdShape s;
    private final float[] ys;
    private final float[] finals; // null: not wanted
    private final int pPad;

    /** Working memory of a task. P is padded to a multiple of {@link SmallGemm#BLOCK}. */
    static final class Buffers {
        final SsdChunk chunk = new SsdChunk();
        float[] bT; // (N, Q): B of a chunk
        float[] g; // (Q, Q): C_i . B_j of a chunk
        float[] x; // (Q, P): of a chunk of a head
        float[] y; // (Q, P): of a chunk of a head
        float[] skip; // (P): D of a head
        float[] states; // (heads of the task, N, P)

        void fit(int heads, int dState, int pPad) {
            bT = SsmScratch.grown(bT, dState * Q);
            g = SsmScratch.grown(g, Q * Q);
            x = SsmScratch.grown(x, Q * pPad);
            y = SsmScratch.grown(y, Q * pPad);
            skip = SsmScratch.grown(skip, pPad);
            states = SsmScratch.grown(states, heads * dState * pPad);
        }
    }

    private VectorSsdScan(SsdArrays in, float[] ys, float[] finals) {
        this.in = in;
        this.s = in.s();
        this.ys = ys;
        this.finals = finals;
        this.pPad = SsdChunk.padded(s.headDim());
    }

    static void run(
            SsdArrays in, float[] ys, float[] finals, Parallel parallel, ThreadLocal<SsmScratch> scratch) {
        if (in.s().length() == 1) {
            new VectorSsdStep(in, ys, finals).run(parallel);
            return;
        }
        VectorSsdScan scan = new VectorSsdScan(in, ys, finals);
        parallel.forRange(in.tasks(), 1, (from, to) -> {
            for (int task = from; task < to; task++) {
                scan.task(task, scratch.get().ssd);
            }
        });
    }

    private void task(int task, Buffers m) {
        int b = in.sequence(task);
        int first = in.firstHead(task);
        int end = in.endHead(task);
        int pDim = s.headDim();
        int nDim = s.dState();
        int stateSize = nDim * pPad;
        m.fit(end - first, nDim, pPad);
        boolean hasState = in.initial() != null;
        for (int h = first; h < end && hasState; h++) {
            SmallGemm.transpose(m.states, (h - first) * stateSize, pPad, pPad, in.initial(), in.stateAt(b, h), nDim,
                    pDim, nDim);
        }
        for (int t = 0; t < s.length(); t += Q) {
            int q = Math.min(Q, s.length() - t);
            int row = b * s.length() + t;
            boolean wantState = finals != null || t + q < s.length();
            SmallGemm.transpose(m.bT, 0, Q, SsdChunk.padded(q), in.xbc(), in.bAt(row, first), s.xbcDim(), q, nDim);
            SmallGemm.multiply(
                    0, m.g, 0, Q, in.xbc(), in.cAt(row, first), s.xbcDim(), 1, m.bT, 0, Q, q, SsdChunk.padded(q), nDim,
                    Part.C_LOWER);
            for (int h = first; h < end; h++) {
                chunk(row, q, h, (h - first) * stateSize, hasState, wantState, m);
            }
            hasState = true;
        }
        for (int h = first; h < end && finals != null; h++) {
            if (hasState) {
                SmallGemm.transpose(
                        finals, in.stateAt(b, h), nDim, nDim, m.states, (h - first) * stateSize, pPad, nDim, pDim);
            } else {
                Arrays.fill(finals, in.stateAt(b, h), in.stateAt(b, h) + pDim * nDim, 0f); // no elements, no state
            }
        }
    }

    /** Outputs of a head in the {@code q} rows from {@code row} on; {@code wantState}: and its state at their end. */
    private void chunk(int row, int q, int h, int stateAt, boolean hasState, boolean wantState, Buffers m) {
        int pDim = s.headDim();
        int nDim = s.dState();
        int xbcDim = s.xbcDim();
        SsdChunk chunk = m.chunk;
        float[] x = m.x;
        float[] y = m.y;
        in.loadChunk(chunk, row, h, q);
        chunk.fillDecay();
        chunk.weigh(m.g, 0);
        SmallGemm.copy(x, 0, pPad, in.xbc(), in.xAt(row, h), xbcDim, q, pDim);
        if (hasState) {
            SmallGemm.multiply(
                    0, y, 0, pPad, in.xbc(), in.cAt(row, h), xbcDim, 1, m.states, stateAt, pPad, q, pPad, nDim,
                    Part.ALL);
        }
        in.fillSkip(m.skip, h);
        carriedAndSkipped(y, chunk.fromStart, hasState, m.skip, x, q, pPad);
        SmallGemm.multiply(1, y, 0, pPad, chunk.decay, 0, Q, 1, x, 0, pPad, q, pPad, q, Part.A_LOWER);
        for (int i = 0; i < q; i++) {
            System.arraycopy(y, i * pPad, ys, (row + i) * s.innerDim() + h * pDim, pDim);
        }
        if (wantState) {
            scaleRows(x, chunk.step, chunk.toEnd, q, pPad);
            SmallGemm.multiply(
                    hasState ? chunk.total() : 0f, m.states, stateAt, pPad, m.bT, 0, Q, 1, x, 0, pPad, nDim, pPad, q,
                    Part.ALL);
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
