package org.aimjvm.cpu.ssm;

import static org.aimjvm.cpu.memory.HeapStorage.floats;
import static org.aimjvm.cpu.memory.HeapStorage.floatsOrNull;

import java.util.Arrays;
import org.aimjvm.backend.SsdScan;
import org.aimjvm.backend.SsdShape;
import org.aimjvm.cpu.simd.VectorMath;

/**
 * {@link SsdScan.Inputs} as arrays, which are unwrapped once for a call; and the division of a scan into tasks: a
 * sequence and up to {@value #HEADS_PER_TASK} heads of one group, which share products of B and C. The division depends
 * on heads and groups only.
 *
 * @param xbc (batch, L, H*P + 2*G*N)
 * @param dt (batch, L, H)
 * @param dtBias (H)
 * @param aLog (H)
 * @param d (H) or (H, P), or {@code null}
 * @param initial (batch, H, P, N), or {@code null} for zeros
 */
record SsdArrays(float[] xbc, float[] dt, float[] dtBias, float[] aLog, float[] d, float[] initial, SsdShape s) {
    private static final int HEADS_PER_TASK = 4;

    /** The arrays of {@code in}, but for the initial state: {@code initial}, which may be {@code null}. */
    static SsdArrays of(SsdScan.Inputs in, float[] initial, SsdShape s) {
        return new SsdArrays(
                floats(in.xbc()), floats(in.dt()), floats(in.dtBias()), floats(in.aLog()), floatsOrNull(in.d()),
                initial, s);
    }

    int tasksPerGroup() {
        return (s.heads() / s.groups() + HEADS_PER_TASK - 1) / HEADS_PER_TASK;
    }

    int tasks() {
        return s.batch() * s.groups() * tasksPerGroup();
    }

    /** Sequence of a task. */
    int sequence(int task) {
        return task / (s.groups() * tasksPerGroup());
    }

    /** First head of a task; the task's last one is before the first of the next task of its sequence. */
    int firstHead(int task) {
        return headBoundary(task % (s.groups() * tasksPerGroup()));
    }

    int endHead(int task) {
        return headBoundary(task % (s.groups() * tasksPerGroup()) + 1);
    }

    private int headBoundary(int taskOfSequence) {
        int perGroup = s.heads() / s.groups();
        int group = taskOfSequence / tasksPerGroup();
        return group * perGroup + taskOfSequence % tasksPerGroup() * perGroup / tasksPerGroup();
    }

    /** A of head {@code h}. */
    float a(int h) {
        return -VectorMath.exp(aLog[h]);
    }

    /** The step of head {@code h} in row {@code row}, after softplus and limits. */
    float step(int row, int h) {
        float raw = dt[row * s.heads() + h] + dtBias[h];
        return Math.min(Math.max(VectorMath.softplus(raw), s.dtMin()), s.dtMax());
    }

    /** D of channel {@code p} of head {@code h}, 0 without D. */
    float skip(int h, int p) {
        return d == null ? 0f : d[s.perChannelD() ? h * s.headDim() + p : h];
    }

    /** Fills {@code row} with D of all channels of head {@code h}, and zeros above. */
    void fillSkip(float[] row, int h) {
        for (int p = 0; p < s.headDim(); p++) {
            row[p] = skip(h, p);
        }
        Arrays.fill(row, s.headDim(), row.length, 0f);
    }

    /** Where x of head {@code h} starts in a row of xbc. */
    int xAt(int row, int h) {
        return row * s.xbcDim() + h * s.headDim();
    }

    int bAt(int row, int h) {
        return row * s.xbcDim() + s.bOffset(h);
    }

    int cAt(int row, int h) {
        return bAt(row, h) + s.groups() * s.dState();
    }

    int stateAt(int b, int h) {
        return (b * s.heads() + h) * s.headDim() * s.dState();
    }

    void loadChunk(SsdChunk chunk, int row, int h, int length) {
        chunk.load(dt, row * s.heads() + h, s.heads(), length, dtBias[h], a(h), s.dtMin(), s.dtMax());
    }
}
