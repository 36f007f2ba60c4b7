package org.aimjvm.cpu.ssm;

import static org.aimjvm.cpu.memory.HeapStorage.floats;
import static org.aimjvm.cpu.memory.HeapStorage.floatsOrNull;

import java.util.Arrays;
import org.aimjvm.backend.SsdScan;
import org.aimjvm.backend.SsdShape;
import org.aimjvm.cpu.memory.Parallel;

/**
 * Gradient of the SSD scan by the chunks of {@link VectorSsdScan}: the arrays of a call, and the sums over its tasks
 * ({@link VectorSsdBackwardTask}).
 *
 * <p>Gradients of B and C are summed over the heads of a task in their order, then over tasks in theirs; those of
 * parameters over sequences in theirs, in double. So no result depends on the number of threads.
 */
final class VectorSsdScanBackward {
    final SsdArrays in;
    final SsdShape s;
    final float[] dys; // (batch, L, H*P)
    final float[] dFinals; // (batch, H, P, N); null: zeros
    final float[] dXbcs; // (batch, L, H*P + 2*G*N)
    final float[] dDts; // (batch, L, H)
    final float[] dInitials; // (batch, H, P, N); null: not wanted
    final int pPad;
    final int nPad;
    final Sums sums;
    private final SsdScan.Gradients out;

    /** Partial sums of a call, kept by the thread that makes it. P is padded to a multiple of the vectors. */
    static final class Sums {
        float[] dBc; // (tasks, L, 2N): gradients of B and C, if the heads of a group are in several tasks
        float[] dSkip; // (batch, H, P): gradient of D
        double[] dDtBias; // (batch, H)
        double[] dALog; // (batch, H)

        void fit(SsdArrays in, int pPad) {
            SsdShape s = in.s();
            int states = s.batch() * s.heads();
            if (in.tasksPerGroup() > 1) {
                dBc = SsmScratch.grown(dBc, in.tasks() * s.length() * 2 * s.dState());
            }
            dSkip = SsmScratch.grown(dSkip, states * pPad);
            dDtBias = new double[states];
            dALog = new double[states];
        }
    }

    VectorSsdScanBackward(SsdArrays in, SsdScan.Gradients out, float[] dys, float[] dFinals, Sums sums) {
        this.in = in;
        this.s = in.s();
        this.dys = dys;
        this.dFinals = dFinals;
        this.dXbcs = floats(out.dXbc());
        this.dDts = floats(out.dDt());
        this.dInitials = floatsOrNull(out.dInitialState());
        this.pPad = SsdChunk.padded(s.headDim());
        this.nPad = SsdChunk.padded(s.dState());
        this.sums = sums;
        this.out = out;
        sums.fit(in, pPad);
    }

    void run(Parallel parallel, ThreadLocal<SsmScratch> scratch) {
        float[] dDtBias = floats(out.dDtBias());
        float[] dALog = floats(out.dALog());
        float[] dD = floatsOrNull(out.dD());
        parallel.forRange(in.tasks(), 1, (from, to) -> {
            for (int task = from; task < to; task++) {
                new VectorSsdBackwardTask(this, task, scratch.get().ssdBackward).run();
            }
        });
        if (in.tasksPerGroup() > 1) {
            parallel.forRange(s.batch() * s.length(), 16, this::sumOverTasks);
        }
        for (int h = 0; h < s.heads(); h++) {
            double bias = 0;
            double aLog = 0;
            for (int b = 0; b < s.batch(); b++) {
                bias += sums.dDtBias[b * s.heads() + h];
                aLog += sums.dALog[b * s.heads() + h];
            }
            dDtBias[h] = (float) bias;
            dALog[h] = (float) aLog;
        }
        if (dD != null) {
            sumSkips(dD);
        }
    }

    private void sumSkips(float[] dD) {
        int count = s.perChannelD() ? 1 : s.headDim(); // channels that share an element of D
        for (int i = 0; i < s.innerDim() / count; i++) {
            double sum = 0;
            for (int b = 0; b < s.batch(); b++) {
                for (int c = i * count; c < (i + 1) * count; c++) {
                    sum += sums.dSkip[(b * s.heads() + c / s.headDim()) * pPad + c % s.headDim()];
                }
            }
            dD[i] = (float) sum;
        }
    }

    private void sumOverTasks(int fromRow, int toRow) {
        int nDim = s.dState();
        int perGroup = in.tasksPerGroup();
        float[] dBc = sums.dBc;
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
                        dXbcs[bAt + n] += dBc[at + n];
                        dXbcs[cAt + n] += dBc[at + nDim + n];
                    }
                }
            }
        }
    }
}
