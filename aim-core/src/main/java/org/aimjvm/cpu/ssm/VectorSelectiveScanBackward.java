package org.aimjvm.cpu.ssm;

import static org.aimjvm.cpu.memory.HeapStorage.floatsOrNull;

import org.aimjvm.backend.SelectiveScan;
import org.aimjvm.backend.SelectiveShape;
import org.aimjvm.cpu.memory.Parallel;

/**
 * Gradient of the selective scan: the arrays of a call, and the sums over its tasks ({@link
 * VectorSelectiveBackwardTask}), which are added up in their order in the end. So no result depends on the number of
 * threads.
 */
final class VectorSelectiveScanBackward {
    /** Channels of a task, whose sums over channels are kept apart: the same at every vector width. */
    static final int CHANNELS_PER_TASK = 128;

    final SelectiveArrays in;
    final SelectiveShape s;
    final float[] aT; // (N, channels): A
    final float[] dys; // (batch, L, channels)
    final float[] dFinals; // (batch, channels, N); null: zeros
    final float[] dXs; // (batch, L, channels); null: not wanted
    final float[] dDeltas; // (batch, L, channels); null: not wanted
    final float[] dInitials; // (batch, channels, N); null: not wanted
    final Sums sums;
    private final SelectiveScan.Gradients out;
    private final int blocks; // of channels

    /** Partial sums of a call, kept by the thread that makes it. */
    static final class Sums {
        float[] dB; // (blocks of channels, batch, L, N)
        float[] dC; // (blocks of channels, batch, L, N)
        float[] dALog; // (batch, channels, N)
        float[] dDeltaBias; // (batch, channels)
        float[] dSkip; // (batch, channels): gradient of D

        void fit(SelectiveShape s, int blocks) {
            dB = SsmScratch.grown(dB, blocks * s.rows() * s.dState());
            dC = SsmScratch.grown(dC, blocks * s.rows() * s.dState());
            dALog = SsmScratch.grown(dALog, s.batch() * s.channels() * s.dState());
            dDeltaBias = SsmScratch.grown(dDeltaBias, s.batch() * s.channels());
            dSkip = SsmScratch.grown(dSkip, s.batch() * s.channels());
        }
    }

    /** @param own of the thread that makes the call */
    VectorSelectiveScanBackward(
            SelectiveArrays in, SelectiveScan.Gradients out, float[] dys, float[] dFinals, SsmScratch own) {
        this.in = in;
        this.s = in.s();
        this.aT = own.selective.transposedA(in);
        this.dys = dys;
        this.dFinals = dFinals;
        this.dXs = floatsOrNull(out.dX());
        this.dDeltas = floatsOrNull(out.dDelta());
        this.dInitials = floatsOrNull(out.dInitialState());
        this.sums = own.selectiveSums;
        this.out = out;
        this.blocks = (s.channels() + CHANNELS_PER_TASK - 1) / CHANNELS_PER_TASK;
        sums.fit(s, blocks);
    }

    void run(Parallel parallel, ThreadLocal<SsmScratch> scratch) {
        float[] dB = floatsOrNull(out.dB());
        float[] dC = floatsOrNull(out.dC());
        float[] dALog = floatsOrNull(out.dALog());
        float[] dDeltaBias = floatsOrNull(out.dDeltaBias());
        float[] dD = floatsOrNull(out.dD());
        parallel.forRange(s.batch() * blocks, 1, (from, to) -> {
            for (int i = from; i < to; i++) {
                new VectorSelectiveBackwardTask(this, i / blocks, i % blocks, scratch.get().selectiveBackward).run();
            }
        });
        sum(dB, sums.dB, blocks, s.rows() * s.dState(), parallel);
        sum(dC, sums.dC, blocks, s.rows() * s.dState(), parallel);
        sum(dALog, sums.dALog, s.batch(), s.channels() * s.dState(), parallel);
        sum(dDeltaBias, sums.dDeltaBias, s.batch(), s.channels(), parallel);
        sum(dD, sums.dSkip, s.batch(), s.channels(), parallel);
    }

    private static void sum(float[] out, float[] parts, int count, int size, Parallel parallel) {
        if (out == null) {
            return;
        }
        parallel.forRange(size, 1024, (from, to) -> {
            for (int i = from; i < to; i++) {
                double sum = 0;
                for (int k = 0; k < count; k++) {
                    sum += parts[k * size + i];
                }
                out[i] = (float) sum;
            }
        });
    }
}
