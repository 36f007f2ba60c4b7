package org.aimjvm.cpu.ssm;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.aimjvm.backend.SsdShape;
import org.aimjvm.cpu.gemm.SmallGemm;
import org.aimjvm.cpu.gemm.SmallGemm.Part;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.memory.Workspace;
import org.aimjvm.cpu.simd.Lanes;
import org.aimjvm.cpu.simd.Simd;

/**
 * Gradient of the SSD scan by the chunks of {@link VectorSsdScan}. A task (a sequence and up to four heads)
 * recomputes the states at the starts of chunks, then goes through the chunks backwards in time with the gradient of
 * the state. States are (P, N) here, so that what belongs to B and C has lanes over N and what belongs to x has lanes
 * over P.
 *
 * <p>Gradients of B and C are summed over the heads of a task in their order, then over tasks in theirs; those of
 * parameters over sequences in theirs, in double. So no result depends on the number of threads.
 */
final class VectorSsdScanBackward {
    private static final int Q = SsdChunk.SIZE;
    private static final int LANES = Simd.LANES;

    private final SsdInputs in;
    private final SsdShape s;
    private final float[] dys;
    private final float[] dFinals;
    private final float[] dXbcs;
    private final float[] dDts;
    private final float[] dInitials;
    private final int pPad;
    private final int nPad;
    /** Partial gradients of B and C, (tasks, L, 2N): only if the heads of a group are in several tasks. */
    private final float[] dBcs;
    /** Partial sums (batch, H), to be summed over the batch. */
    private final double[] dDtBiases;

    private final double[] dALogs;
    /** Partial sums (batch, H, P), each P padded. */
    private final float[] dSkips;

    VectorSsdScanBackward(
            SsdInputs in, float[] dXbcs, float[] dDts, float[] dInitials, float[] dys, float[] dFinals,
            Workspace workspace) {
        this.in = in;
        this.s = in.s();
        this.dys = dys;
        this.dFinals = dFinals;
        this.dXbcs = dXbcs;
        this.dDts = dDts;
        this.dInitials = dInitials;
        this.pPad = SsdChunk.padded(s.headDim());
        this.nPad = SsdChunk.padded(s.dState());
        this.dBcs = in.tasksPerGroup() == 1 ? null : workspace.floats(15, in.tasks() * s.length() * 2 * s.dState());
        this.dDtBiases = new double[s.batch() * s.heads()];
        this.dALogs = new double[s.batch() * s.heads()];
        this.dSkips = workspace.floats(14, s.batch() * s.heads() * pPad);
    }

    void run(float[] dDtBias, float[] dALog, float[] dD, Parallel parallel, ThreadLocal<VectorSsdScan.Work> work) {
        parallel.forRange(in.tasks(), 1, (from, to) -> {
            for (int task = from; task < to; task++) {
                task(task, work.get());
            }
        });
        if (dBcs != null) {
            parallel.forRange(s.batch() * s.length(), 16, this::sumOverTasks);
        }
        for (int h = 0; h < s.heads(); h++) {
            double bias = 0;
            double aLog = 0;
            for (int b = 0; b < s.batch(); b++) {
                bias += dDtBiases[b * s.heads() + h];
                aLog += dALogs[b * s.heads() + h];
            }
            dDtBias[h] = (float) bias;
            dALog[h] = (float) aLog;
        }
        int count = s.perChannelD() ? 1 : s.headDim(); // channels that share an element of D
        for (int i = 0; dD != null && i < s.innerDim() / count; i++) {
            double sum = 0;
            for (int b = 0; b < s.batch(); b++) {
                for (int c = i * count; c < (i + 1) * count; c++) {
                    sum += dSkips[(b * s.heads() + c / s.headDim()) * pPad + c % s.headDim()];
                }
            }
            dD[i] = (float) sum;
        }
    }

    private void task(int task, VectorSsdScan.Work work) {
        int b = in.sequence(task);
        int first = in.firstHead(task);
        int length = s.length();
        int nDim = s.dState();
        int chunks = (length + Q - 1) / Q;
        int row0 = b * length;
        int xbcDim = s.xbcDim();
        Workspace workspace = work.workspace;
        float[] bMat = workspace.floats(5, length * nPad);
        float[] cMat = workspace.floats(6, length * nPad);
        float[] dB = workspace.floats(7, length * nPad);
        float[] dC = workspace.floats(8, length * nPad);
        float[] g = workspace.floats(1, chunks * Q * Q);
        float[] dG = workspace.floats(9, chunks * Q * Q);
        float[] bT = workspace.floats(0, nDim * Q);
        SmallGemm.copy(bMat, 0, nPad, in.xbc(), in.bAt(row0, first), xbcDim, length, nDim);
        SmallGemm.copy(cMat, 0, nPad, in.xbc(), in.cAt(row0, first), xbcDim, length, nDim);
        Arrays.fill(dB, 0, length * nPad, 0f);
        Arrays.fill(dC, 0, length * nPad, 0f);
        Arrays.fill(dG, 0, chunks * Q * Q, 0f);
        for (int chunk = 0; chunk < chunks; chunk++) {
            int t = chunk * Q;
            int q = Math.min(Q, length - t);
            SmallGemm.transpose(bT, 0, Q, SsdChunk.padded(q), bMat, t * nPad, nPad, q, nDim);
            SmallGemm.multiply(
                    0, g, chunk * Q * Q, Q, cMat, t * nPad, nPad, 1, bT, 0, Q, q, SsdChunk.padded(q), nDim,
                    Part.C_LOWER);
        }
        for (int h = first; h < in.endHead(task); h++) {
            head(b, h, chunks, work);
        }
        for (int chunk = 0; chunk < chunks; chunk++) {
            int t = chunk * Q;
            int q = Math.min(Q, length - t);
            int gAt = chunk * Q * Q;
            SmallGemm.multiply(1, dC, t * nPad, nPad, dG, gAt, Q, 1, bMat, t * nPad, nPad, q, nPad, q, Part.A_LOWER);
            SmallGemm.multiply(1, dB, t * nPad, nPad, dG, gAt, 1, Q, cMat, t * nPad, nPad, q, nPad, q, Part.A_UPPER);
        }
        for (int t = 0; t < length; t++) {
            float[] to = dBcs == null ? dXbcs : dBcs;
            int bAt = dBcs == null ? in.bAt(row0 + t, first) : (task * length + t) * 2 * nDim;
            int cAt = dBcs == null ? in.cAt(row0 + t, first) : bAt + nDim;
            System.arraycopy(dB, t * nPad, to, bAt, nDim);
            System.arraycopy(dC, t * nPad, to, cAt, nDim);
        }
    }

    /** One head of one sequence: its states forward, then its gradients backward. */
    private void head(int b, int h, int chunks, VectorSsdScan.Work work) {
        int length = s.length();
        int pDim = s.headDim();
        int nDim = s.dState();
        int stateSize = pDim * nPad;
        SsdChunk chunk = work.chunk;
        Workspace workspace = work.workspace;
        float[] bMat = workspace.floats(5, length * nPad);
        float[] x = workspace.floats(2, Q * pPad);
        float[] states = workspace.floats(4, chunks * stateSize); // at the start of each chunk
        float[] dState = workspace.floats(10, stateSize);
        if (in.initial() != null) {
            SmallGemm.copy(states, 0, nPad, in.initial(), in.stateAt(b, h), nDim, pDim, nDim);
        }
        for (int c = 0; c + 1 < chunks; c++) {
            int row = b * length + c * Q;
            in.loadChunk(chunk, row, h, Q);
            SmallGemm.copy(x, 0, pPad, in.xbc(), in.xAt(row, h), s.xbcDim(), Q, pDim);
            VectorSsdScan.scaleRows(x, chunk.step, chunk.toEnd, Q, pPad);
            boolean fromZero = c == 0 && in.initial() == null;
            if (!fromZero) {
                System.arraycopy(states, c * stateSize, states, (c + 1) * stateSize, stateSize);
            }
            SmallGemm.multiply(
                    fromZero ? 0f : chunk.total(), states, (c + 1) * stateSize, nPad, x, 0, 1, pPad, bMat, c * Q * nPad,
                    nPad,
                    pDim, nPad, Q, Part.ALL);
        }
        boolean hasDState = dFinals != null;
        if (hasDState) {
            SmallGemm.copy(dState, 0, nPad, dFinals, in.stateAt(b, h), nDim, pDim, nDim);
        }
        Arrays.fill(dSkips, (b * s.heads() + h) * pPad, (b * s.heads() + h + 1) * pPad, 0f);
        for (int c = chunks - 1; c >= 0; c--) {
            boolean hasState = c > 0 || in.initial() != null;
            boolean wantDState = c > 0 || dInitials != null;
            chunkBackward(b, h, c, hasState, hasDState, wantDState, work);
            hasDState |= wantDState;
        }
        for (int p = 0; p < pDim && dInitials != null; p++) {
            int at = in.stateAt(b, h) + p * nDim;
            if (hasDState) {
                System.arraycopy(dState, p * nPad, dInitials, at, nDim);
            } else {
                Arrays.fill(dInitials, at, at + nDim, 0f); // no elements and no gradient of the final state
            }
        }
    }

    private void chunkBackward(
            int b, int h, int c, boolean hasState, boolean hasDState, boolean wantDState, VectorSsdScan.Work work) {
        int pDim = s.headDim();
        int nDim = s.dState();
        int t = c * Q;
        int q = Math.min(Q, s.length() - t);
        int row = b * s.length() + t;
        int stateSize = pDim * nPad;
        SsdChunk chunk = work.chunk;
        Workspace workspace = work.workspace;
        float[] g = workspace.floats(1, 0);
        float[] dG = workspace.floats(9, 0);
        float[] bMat = workspace.floats(5, 0);
        float[] cMat = workspace.floats(6, 0);
        float[] dB = workspace.floats(7, 0);
        float[] dC = workspace.floats(8, 0);
        float[] states = workspace.floats(4, 0);
        float[] dState = workspace.floats(10, 0);
        float[] x = workspace.floats(2, Q * pPad);
        float[] dy = workspace.floats(3, Q * pPad);
        float[] dx = workspace.floats(11, Q * pPad);
        float[] wide = workspace.floats(12, Math.max(Math.max(pPad, nPad) * Q, pPad * nPad)); // short-lived results
        float[] narrow = workspace.floats(13, Math.max(Q * Q, Q * pPad));
        in.loadChunk(chunk, row, h, q);
        chunk.fillDecay();
        SmallGemm.copy(x, 0, pPad, in.xbc(), in.xAt(row, h), s.xbcDim(), q, pDim);
        SmallGemm.copy(dy, 0, pPad, dys, row * s.innerDim() + h * pDim, s.innerDim(), q, pDim);
        float[] dStep = work.dStep;
        double[] dLogDecay = work.dLogDecay;

        // the map inside the chunk: dMap = dy x^T, dx = map^T dy
        float[] xT = wide;
        float[] dMap = narrow;
        SmallGemm.transpose(xT, 0, Q, SsdChunk.padded(q), x, 0, pPad, q, pDim);
        SmallGemm.multiply(0, dMap, 0, Q, dy, 0, pPad, 1, xT, 0, Q, q, SsdChunk.padded(q), pDim, Part.C_LOWER);
        chunk.weighBackward(dMap, g, c * Q * Q, dG, dStep, dLogDecay);
        float[] skip = workspace.floats(16, pPad);
        in.fillSkip(skip, h);
        skipBackward(dSkips, (b * s.heads() + h) * pPad, dx, skip, x, dy, q, pPad);
        SmallGemm.multiply(1, dx, 0, pPad, chunk.decay, 0, 1, Q, dy, 0, pPad, q, pPad, q, Part.A_UPPER);

        if (hasDState) { // what the chunk put into the state at its end: toEnd_j d_j x_j B_j^T
            float[] dStateT = wide; // (N, P)
            float[] u = narrow; // B dS^T, gradient of toEnd_j d_j x_j
            SmallGemm.transpose(dStateT, 0, pPad, pPad, dState, 0, nPad, pDim, nDim);
            SmallGemm.multiply(0, u, 0, pPad, bMat, t * nPad, nPad, 1, dStateT, 0, pPad, q, pPad, nDim, Part.ALL);
            for (int j = 0; j < q; j++) {
                float dWeight = dot(u, j * pPad, x, j * pPad, pPad);
                VectorSsdScan.addScaled(dx, j * pPad, chunk.step[j] * chunk.toEnd[j], u, j * pPad, pPad);
                dStep[j] += dWeight * chunk.toEnd[j];
                double dExponent = (double) dWeight * chunk.step[j] * chunk.toEnd[j];
                dLogDecay[j] -= dExponent;
                dLogDecay[q - 1] += dExponent;
            }
            VectorSsdScan.scaleRows(x, chunk.step, chunk.toEnd, q, pPad);
            SmallGemm.multiply(1, dB, t * nPad, nPad, x, 0, pPad, 1, dState, 0, nPad, q, nPad, pDim, Part.ALL);
            if (hasState) {
                dLogDecay[q - 1] += chunk.total() * dot(dState, 0, states, c * stateSize, stateSize);
            }
        }
        if (hasState || wantDState) {
            for (int i = 0; i < q; i++) {
                VectorSsdScan.scale(dy, i * pPad, chunk.fromStart[i], pPad);
            }
        }
        if (hasState) { // what the state at its start gave: fromStart_i S C_i
            float[] fromState = wide; // dy S, (q, N)
            SmallGemm.multiply(
                    0, fromState, 0, nPad, dy, 0, pPad, 1, states, c * stateSize, nPad, q, nPad, pDim, Part.ALL);
            for (int i = 0; i < q; i++) {
                dLogDecay[i] += dot(fromState, i * nPad, cMat, (t + i) * nPad, nPad);
                VectorSsdScan.addScaled(dC, (t + i) * nPad, 1f, fromState, i * nPad, nPad);
            }
        }
        if (wantDState) {
            SmallGemm.multiply(
                    hasDState ? chunk.total() : 0f, dState, 0, nPad, dy, 0, 1, pPad, cMat, t * nPad, nPad, pDim, nPad,
                    q,
                    Part.ALL);
        }
        for (int j = 0; j < q; j++) {
            System.arraycopy(dx, j * pPad, dXbcs, in.xAt(row + j, h), pDim);
        }
        stepsBackward(b, h, row, q, chunk, dStep, dLogDecay);
    }

    /** {@code dx = D dy}, and the gradient of D, {@code dSkip += x dy}. */
    private static void skipBackward(
            float[] dSkip, int dSkipAt, float[] dx, float[] skip, float[] x, float[] dy, int q, int width) {
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
    private void stepsBackward(int b, int h, int row, int q, SsdChunk chunk, float[] dStep, double[] dLogDecay) {
        double a = in.a(h);
        double dExponent = 0; // of d_t A: all sums from t on
        double dA = 0;
        for (int t = q - 1; t >= 0; t--) {
            dExponent += dLogDecay[t];
            dA += dExponent * chunk.step[t];
            dStep[t] += (float) (dExponent * a);
        }
        chunk.stepBackward(dStep, s.dtMin(), s.dtMax());
        double dBias = 0;
        for (int t = 0; t < q; t++) {
            dDts[(row + t) * s.heads() + h] = dStep[t];
            dBias += dStep[t];
        }
        dDtBiases[b * s.heads() + h] += dBias;
        dALogs[b * s.heads() + h] += dA * a; // dA / d(aLog) = A
    }

    private void sumOverTasks(int fromRow, int toRow) {
        int nDim = s.dState();
        int perGroup = in.tasksPerGroup();
        for (int row = fromRow; row < toRow; row++) {
            for (int group = 0; group < s.groups(); group++) {
                int h = group * (s.heads() / s.groups());
                int bAt = in.bAt(row, h);
                int cAt = in.cAt(row, h);
                int firstTask = (row / s.length() * s.groups() + group) * perGroup;
                Arrays.fill(dXbcs, bAt, bAt + nDim, 0f);
                Arrays.fill(dXbcs, cAt, cAt + nDim, 0f);
                for (int task = firstTask; task < firstTask + perGroup; task++) {
                    int at = (task * s.length() + row % s.length()) * 2 * nDim;
                    for (int n = 0; n < nDim; n++) {
                        dXbcs[bAt + n] += dBcs[at + n];
                        dXbcs[cAt + n] += dBcs[at + nDim + n];
                    }
                }
            }
        }
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
