package org.aimjvm.cpu.ssm;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.aimjvm.backend.SsdShape;
import org.aimjvm.cpu.gemm.SmallGemm;
import org.aimjvm.cpu.gemm.SmallGemm.Part;
import org.aimjvm.cpu.simd.Lanes;
import org.aimjvm.cpu.simd.Simd;

/**
 * Gradient of the SSD scan for one task: a sequence and up to four heads of a group. Recomputes the states at the
 * starts of chunks, then goes through the chunks backwards in time with the gradient of the state. States are (P, N)
 * here, so that what belongs to B and C has lanes over N and what belongs to x has lanes over P.
 */
final class VectorSsdBackwardTask {
    private static final int Q = SsdChunk.SIZE;
    private static final int LANES = Simd.LANES;

    private final VectorSsdScanBackward call;
    private final SsdArrays in;
    private final SsdShape s;
    private final int task;
    private final int sequence;
    private final int firstHead;
    private final int chunks;
    private final int pDim;
    private final int nDim;
    private final int pPad;
    private final int nPad;
    private final Buffers m;

    /** Working memory of a task. P and N are padded to multiples of {@link SmallGemm#BLOCK}. */
    static final class Buffers {
        // of a task
        float[] b; // (L, N)
        float[] c; // (L, N)
        float[] dB; // (L, N)
        float[] dC; // (L, N)
        float[] bT; // (N, Q): B of a chunk
        float[] g; // (chunks, Q, Q): C_i . B_j
        float[] dG; // (chunks, Q, Q)
        // of a head
        float[] skip; // (P): D
        float[] states; // (chunks, P, N): at the start of each chunk
        float[] dState; // (P, N): at the end of a chunk, then at its start
        // of a chunk of a head
        final SsdChunk chunk = new SsdChunk();
        float[] x; // (Q, P)
        float[] xT; // (P, Q)
        float[] dx; // (Q, P)
        float[] dy; // (Q, P)
        float[] dMap; // (Q, Q): gradient of the map from x to y
        float[] dStateT; // (N, P)
        float[] dInput; // (Q, P): gradient of what goes into the state, toEnd_j d_j x_j
        float[] dyState; // (Q, N): fromStart_i dy_i S
        final float[] dStep = new float[Q]; // but for the part that goes through a decay
        final double[] dLogDecay = new double[Q]; // of the sums in the exponents

        void fit(int length, int chunks, int pPad, int nPad) {
            b = SsmScratch.grown(b, length * nPad);
            c = SsmScratch.grown(c, length * nPad);
            dB = SsmScratch.grown(dB, length * nPad);
            dC = SsmScratch.grown(dC, length * nPad);
            bT = SsmScratch.grown(bT, nPad * Q);
            g = SsmScratch.grown(g, chunks * Q * Q);
            dG = SsmScratch.grown(dG, chunks * Q * Q);
            skip = SsmScratch.grown(skip, pPad);
            states = SsmScratch.grown(states, chunks * pPad * nPad);
            dState = SsmScratch.grown(dState, pPad * nPad);
            x = SsmScratch.grown(x, Q * pPad);
            xT = SsmScratch.grown(xT, pPad * Q);
            dx = SsmScratch.grown(dx, Q * pPad);
            dy = SsmScratch.grown(dy, Q * pPad);
            dMap = SsmScratch.grown(dMap, Q * Q);
            dStateT = SsmScratch.grown(dStateT, nPad * pPad);
            dInput = SsmScratch.grown(dInput, Q * pPad);
            dyState = SsmScratch.grown(dyState, Q * nPad);
        }
    }

    VectorSsdBackwardTask(VectorSsdScanBackward call, int task, Buffers m) {
        this.call = call;
        this.in = call.in;
        this.s = call.s;
        this.task = task;
        this.sequence = in.sequence(task);
        this.firstHead = in.firstHead(task);
        this.chunks = (s.length() + Q - 1) / Q;
        this.pDim = s.headDim();
        this.nDim = s.dState();
        this.pPad = call.pPad;
        this.nPad = call.nPad;
        this.m = m;
        m.fit(s.length(), chunks, pPad, nPad);
    }

    void run() {
        loadBc();
        for (int h = firstHead; h < in.endHead(task); h++) {
            head(h);
        }
        storeBc();
    }

    /** B and C, their products, and zeros in the gradients of all these. */
    private void loadBc() {
        int length = s.length();
        int row0 = sequence * length;
        SmallGemm.copy(m.b, 0, nPad, in.xbc(), in.bAt(row0, firstHead), s.xbcDim(), length, nDim);
        SmallGemm.copy(m.c, 0, nPad, in.xbc(), in.cAt(row0, firstHead), s.xbcDim(), length, nDim);
        Arrays.fill(m.dB, 0, length * nPad, 0f);
        Arrays.fill(m.dC, 0, length * nPad, 0f);
        Arrays.fill(m.dG, 0, chunks * Q * Q, 0f);
        for (int chunk = 0; chunk < chunks; chunk++) {
            int t = chunk * Q;
            int q = Math.min(Q, length - t);
            SmallGemm.transpose(m.bT, 0, Q, SsdChunk.padded(q), m.b, t * nPad, nPad, q, nDim);
            SmallGemm.multiply(
                    0, m.g, chunk * Q * Q, Q, m.c, t * nPad, nPad, 1, m.bT, 0, Q, q, SsdChunk.padded(q), nDim,
                    Part.C_LOWER);
        }
    }

    /** Adds what goes through the products of B and C to the gradients of these, and hands them over. */
    private void storeBc() {
        int length = s.length();
        for (int chunk = 0; chunk < chunks; chunk++) {
            int t = chunk * Q;
            int q = Math.min(Q, length - t);
            int gAt = chunk * Q * Q;
            SmallGemm.multiply(
                    1, m.dC, t * nPad, nPad, m.dG, gAt, Q, 1, m.b, t * nPad, nPad, q, nPad, q, Part.A_LOWER);
            SmallGemm.multiply(
                    1, m.dB, t * nPad, nPad, m.dG, gAt, 1, Q, m.c, t * nPad, nPad, q, nPad, q, Part.A_UPPER);
        }
        boolean alone = in.tasksPerGroup() == 1; // no other task has heads of the group
        float[] to = alone ? call.dXbcs : call.sums.dBc;
        for (int t = 0; t < length; t++) {
            int row = sequence * length + t;
            int bAt = alone ? in.bAt(row, firstHead) : (task * length + t) * 2 * nDim;
            int cAt = alone ? in.cAt(row, firstHead) : bAt + nDim;
            System.arraycopy(m.dB, t * nPad, to, bAt, nDim);
            System.arraycopy(m.dC, t * nPad, to, cAt, nDim);
        }
    }

    /** A head: its states forward, then its gradients backward. */
    private void head(int h) {
        fillStates(h);
        float[] dState = m.dState;
        boolean hasDState = call.dFinals != null;
        if (hasDState) {
            SmallGemm.copy(dState, 0, nPad, call.dFinals, in.stateAt(sequence, h), nDim, pDim, nDim);
        }
        in.fillSkip(m.skip, h);
        int skipAt = stateIndex(h) * pPad;
        Arrays.fill(call.sums.dSkip, skipAt, skipAt + pPad, 0f);
        for (int c = chunks - 1; c >= 0; c--) {
            boolean wantDState = c > 0 || call.dInitials != null;
            chunk(h, c, hasDState, wantDState);
            hasDState |= wantDState;
        }
        for (int p = 0; p < pDim && call.dInitials != null; p++) {
            int at = in.stateAt(sequence, h) + p * nDim;
            if (hasDState) {
                System.arraycopy(dState, p * nPad, call.dInitials, at, nDim);
            } else {
                Arrays.fill(call.dInitials, at, at + nDim, 0f); // no elements and no gradient of the final state
            }
        }
    }

    /** States at the starts of the chunks, but for the first without an initial state. */
    private void fillStates(int h) {
        float[] states = m.states;
        int stateSize = pDim * nPad;
        if (in.initial() != null) {
            SmallGemm.copy(states, 0, nPad, in.initial(), in.stateAt(sequence, h), nDim, pDim, nDim);
        }
        for (int c = 0; c + 1 < chunks; c++) {
            int row = sequence * s.length() + c * Q;
            in.loadChunk(m.chunk, row, h, Q);
            SmallGemm.copy(m.x, 0, pPad, in.xbc(), in.xAt(row, h), s.xbcDim(), Q, pDim);
            VectorSsdScan.scaleRows(m.x, m.chunk.step, m.chunk.toEnd, Q, pPad);
            boolean fromZero = c == 0 && in.initial() == null;
            if (!fromZero) {
                System.arraycopy(states, c * stateSize, states, (c + 1) * stateSize, stateSize);
            }
            SmallGemm.multiply(
                    fromZero ? 0f : m.chunk.total(), states, (c + 1) * stateSize, nPad, m.x, 0, 1, pPad, m.b,
                    c * Q * nPad, nPad, pDim, nPad, Q, Part.ALL);
        }
    }

    /**
     * Chunk {@code c} of a head.
     *
     * @param hasDState whether there is a gradient of the state at its end
     * @param wantDState whether that of the state at its start is to be computed
     */
    private void chunk(int h, int c, boolean hasDState, boolean wantDState) {
        int t = c * Q;
        int q = Math.min(Q, s.length() - t);
        int row = sequence * s.length() + t;
        boolean hasState = c > 0 || in.initial() != null;
        in.loadChunk(m.chunk, row, h, q);
        m.chunk.fillDecay();
        SmallGemm.copy(m.x, 0, pPad, in.xbc(), in.xAt(row, h), s.xbcDim(), q, pDim);
        SmallGemm.copy(m.dy, 0, pPad, call.dys, row * s.innerDim() + h * pDim, s.innerDim(), q, pDim);
        mapBackward(h, c, q);
        if (hasDState) {
            inputBackward(t, q);
            if (hasState) {
                m.dLogDecay[q - 1] += m.chunk.total() * dot(m.dState, 0, m.states, c * pDim * nPad, pDim * nPad);
            }
        }
        if (hasState || wantDState) {
            for (int i = 0; i < q; i++) {
                VectorSsdScan.scale(m.dy, i * pPad, m.chunk.fromStart[i], pPad);
            }
        }
        if (hasState) {
            startBackward(c, q);
        }
        if (wantDState) {
            SmallGemm.multiply(
                    hasDState ? m.chunk.total() : 0f, m.dState, 0, nPad, m.dy, 0, 1, pPad, m.c, t * nPad, nPad, pDim,
                    nPad, q, Part.ALL);
        }
        for (int j = 0; j < q; j++) {
            System.arraycopy(m.dx, j * pPad, call.dXbcs, in.xAt(row + j, h), pDim);
        }
        stepsBackward(h, row, q);
    }

    /** Inside the chunk, {@code y = map x + D x}: {@code dMap = dy x^T}, {@code dx = map^T dy + D dy}. */
    private void mapBackward(int h, int c, int q) {
        SsdChunk chunk = m.chunk;
        SmallGemm.transpose(m.xT, 0, Q, SsdChunk.padded(q), m.x, 0, pPad, q, pDim);
        SmallGemm.multiply(0, m.dMap, 0, Q, m.dy, 0, pPad, 1, m.xT, 0, Q, q, SsdChunk.padded(q), pDim, Part.C_LOWER);
        chunk.weighBackward(m.dMap, m.g, c * Q * Q, m.dG, m.dStep, m.dLogDecay);
        skipBackward(call.sums.dSkip, stateIndex(h) * pPad, m, q, pPad);
        SmallGemm.multiply(1, m.dx, 0, pPad, chunk.decay, 0, 1, Q, m.dy, 0, pPad, q, pPad, q, Part.A_UPPER);
    }

    /** What the chunk put into the state at its end, {@code toEnd_j d_j x_j B_j^T}. Leaves x scaled by toEnd and d. */
    private void inputBackward(int t, int q) {
        SsdChunk chunk = m.chunk;
        float[] dInput = m.dInput;
        SmallGemm.transpose(m.dStateT, 0, pPad, pPad, m.dState, 0, nPad, pDim, nDim);
        SmallGemm.multiply(0, dInput, 0, pPad, m.b, t * nPad, nPad, 1, m.dStateT, 0, pPad, q, pPad, nDim, Part.ALL);
        for (int j = 0; j < q; j++) {
            float dWeight = dot(dInput, j * pPad, m.x, j * pPad, pPad);
            VectorSsdScan.addScaled(m.dx, j * pPad, chunk.step[j] * chunk.toEnd[j], dInput, j * pPad, pPad);
            m.dStep[j] += dWeight * chunk.toEnd[j];
            double dExponent = (double) dWeight * chunk.step[j] * chunk.toEnd[j];
            m.dLogDecay[j] -= dExponent;
            m.dLogDecay[q - 1] += dExponent;
        }
        VectorSsdScan.scaleRows(m.x, chunk.step, chunk.toEnd, q, pPad);
        SmallGemm.multiply(1, m.dB, t * nPad, nPad, m.x, 0, pPad, 1, m.dState, 0, nPad, q, nPad, pDim, Part.ALL);
    }

    /** What the state at the start of chunk {@code c} gave, {@code fromStart_i S C_i}; dy is scaled by fromStart. */
    private void startBackward(int c, int q) {
        float[] dyState = m.dyState;
        SmallGemm.multiply(
                0, dyState, 0, nPad, m.dy, 0, pPad, 1, m.states, c * pDim * nPad, nPad, q, nPad, pDim, Part.ALL);
        for (int i = 0; i < q; i++) {
            int cAt = (c * Q + i) * nPad;
            m.dLogDecay[i] += dot(dyState, i * nPad, m.c, cAt, nPad);
            VectorSsdScan.addScaled(m.dC, cAt, 1f, dyState, i * nPad, nPad);
        }
    }

    /** {@code dx = D dy}, and the gradient of D, {@code dSkip += x dy}. */
    private static void skipBackward(float[] dSkip, int dSkipAt, Buffers m, int q, int width) {
        float[] skip = m.skip;
        float[] x = m.x;
        float[] dx = m.dx;
        float[] dy = m.dy;
        for (int p = 0; p < width; p += LANES) {
            FloatVector d = FloatVector.fromArray(Simd.F, skip, p);
            FloatVector sum = FloatVector.fromArray(Simd.F, dSkip, dSkipAt + p);
            for (int i = p; i < q * width; i += width) {
                FloatVector g = FloatVector.fromArray(Simd.F, dy, i);
                d.mul(g).intoArray(dx, i);
                sum = g.fma(FloatVector.fromArray(Simd.F, x, i), sum);
            }
            sum.intoArray(dSkip, dSkipAt + p);
        }
    }

    /** From gradients of steps and of the sums in the exponents to those of the raw steps, their bias and A. */
    private void stepsBackward(int h, int row, int q) {
        SsdChunk chunk = m.chunk;
        float[] dStep = m.dStep;
        double a = in.a(h);
        double dExponent = 0; // of d_t A: all sums from t on
        double dA = 0;
        for (int t = q - 1; t >= 0; t--) {
            dExponent += m.dLogDecay[t];
            dA += dExponent * chunk.step[t];
            dStep[t] += (float) (dExponent * a);
        }
        chunk.stepBackward(dStep, s.dtMin(), s.dtMax());
        double dBias = 0;
        for (int t = 0; t < q; t++) {
            call.dDts[(row + t) * s.heads() + h] = dStep[t];
            dBias += dStep[t];
        }
        call.sums.dDtBias[stateIndex(h)] += dBias;
        call.sums.dALog[stateIndex(h)] += dA * a; // dA / d(aLog) = A
    }

    /** Number of a head among those of all sequences. */
    private int stateIndex(int h) {
        return sequence * s.heads() + h;
    }

    /** Inner product; {@code count} a multiple of the lanes. */
    private static float dot(float[] x, int xAt, float[] y, int yAt, int count) {
        FloatVector sum = FloatVector.zero(Simd.F);
        for (int i = 0; i < count; i += LANES) {
            sum = FloatVector.fromArray(Simd.F, x, xAt + i).fma(FloatVector.fromArray(Simd.F, y, yAt + i), sum);
        }
        return Lanes.sum(sum);
    }
}
