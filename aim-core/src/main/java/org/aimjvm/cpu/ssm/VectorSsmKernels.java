package org.aimjvm.cpu.ssm;

import static org.aimjvm.cpu.memory.HeapStorage.floats;
import static org.aimjvm.cpu.memory.HeapStorage.floatsOrNull;
import static org.aimjvm.cpu.memory.HeapStorage.halvesOrNull;

import org.aimjvm.backend.CausalConv1d;
import org.aimjvm.backend.CausalConvShape;
import org.aimjvm.backend.SelectiveScan;
import org.aimjvm.backend.SelectiveShape;
import org.aimjvm.backend.SsdScan;
import org.aimjvm.backend.SsdShape;
import org.aimjvm.backend.SsmKernels;
import org.aimjvm.backend.Storage;
import org.aimjvm.cpu.memory.HeapStorage;
import org.aimjvm.cpu.memory.Parallel;

/** State-space kernels on vectors and threads: unwraps the storages and hands them to one class per recurrence. */
public final class VectorSsmKernels implements SsmKernels {
    private final Parallel parallel;
    private final ThreadLocal<SsmScratch> scratch = ThreadLocal.withInitial(SsmScratch::new);

    public VectorSsmKernels(Parallel parallel) {
        this.parallel = parallel;
    }

    @Override
    public void causalConv1d(Storage y, Storage state, CausalConv1d.Inputs in, CausalConvShape s) {
        if (s.length() > 1 || state == null) {
            parallel.expectNoCapture("causalConv1d");
        }
        new VectorCausalConv1d(ConvArrays.of(in, s)).forward(floats(y), floatsOrNull(state), parallel, scratch);
    }

    @Override
    public void causalConv1dBackward(
            CausalConv1d.Gradients out, Storage dy, CausalConv1d.Inputs in, CausalConvShape s) {
        new VectorCausalConv1d(ConvArrays.of(in, s)).backward(out, floats(dy), parallel, scratch);
    }

    @Override
    public void ssdScan(Storage y, Storage finalState, SsdScan.Inputs in, SsdShape s) {
        if (s.length() > 1) {
            parallel.expectNoCapture("ssdScan");
        }
        if (HeapStorage.areHalves(in.initialState(), finalState)) {
            ssdScanOfHalves(floats(y), halvesOrNull(finalState), in, s);
            return;
        }
        VectorSsdScan.run(
                SsdArrays.of(in, floatsOrNull(in.initialState()), s), floats(y), floatsOrNull(finalState), parallel,
                scratch);
    }

    /** BF16 states: a step is a kernel of its own; around more elements they are made F32 and rounded again. */
    private void ssdScanOfHalves(float[] ys, short[] finals, SsdScan.Inputs in, SsdShape s) {
        short[] initials = halvesOrNull(in.initialState());
        if (s.length() == 1) {
            new VectorSsdHalfStep(SsdArrays.of(in, null, s), ys, initials, finals).run(parallel, scratch);
            return;
        }
        int size = s.headDim() * s.dState();
        int states = s.batch() * s.heads();
        SsmScratch own = scratch.get();
        float[] widened = SsmScratch.grown(own.widened, states * size);
        own.widened = widened;
        if (initials != null) {
            parallel.forRange(states, 1, (from, to) -> HeapStorage.widen(
                    widened, from * size, initials, from * size, (to - from) * size));
        }
        VectorSsdScan.run(
                SsdArrays.of(in, initials == null ? null : widened, s), ys, finals == null ? null : widened, parallel,
                scratch);
        if (finals != null) {
            parallel.forRange(states, 1, (from, to) -> HeapStorage.round(
                    finals, from * size, widened, from * size, (to - from) * size));
        }
    }

    @Override
    public void ssdScanBackward(
            SsdScan.Gradients out, Storage dy, Storage dFinalState, SsdScan.Inputs in, SsdShape s) {
        SsdArrays arrays = SsdArrays.of(in, floatsOrNull(in.initialState()), s);
        new VectorSsdScanBackward(arrays, out, floats(dy), floatsOrNull(dFinalState), scratch.get().ssdSums)
                .run(parallel, scratch);
    }

    @Override
    public void selectiveScan(Storage y, Storage finalState, SelectiveScan.Inputs in, SelectiveShape s) {
        SelectiveArrays arrays = SelectiveArrays.of(in, s);
        if (s.length() == 1) {
            new VectorSelectiveStep(arrays, floats(y), floatsOrNull(finalState)).run(parallel, scratch);
            return;
        }
        parallel.expectNoCapture("selectiveScan");
        new VectorSelectiveScan(arrays, floats(y), floatsOrNull(finalState), scratch.get().selective)
                .run(parallel, scratch);
    }

    @Override
    public void selectiveScanBackward(
            SelectiveScan.Gradients out, Storage dy, Storage dFinalState, SelectiveScan.Inputs in, SelectiveShape s) {
        new VectorSelectiveScanBackward(
                SelectiveArrays.of(in, s), out, floats(dy), floatsOrNull(dFinalState), scratch.get()).run(parallel,
                        scratch);
    }
}
