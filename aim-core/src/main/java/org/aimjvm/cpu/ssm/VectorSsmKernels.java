package org.aimjvm.cpu.ssm;

import static org.aimjvm.cpu.memory.HeapStorage.floats;
import static org.aimjvm.cpu.memory.HeapStorage.floatsOrNull;
import static org.aimjvm.cpu.memory.HeapStorage.halvesOrNull;

import org.aimjvm.backend.SsdShape;
import org.aimjvm.backend.SsmKernels;
import org.aimjvm.backend.Storage;
import org.aimjvm.cpu.memory.HeapStorage;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.memory.Workspace;

/** State-space kernels on vectors and threads: unwraps the storages and hands them to one class per recurrence. */
public final class VectorSsmKernels implements SsmKernels {
    private final Parallel parallel;
    private final ThreadLocal<VectorSsdScan.Work> work = ThreadLocal.withInitial(VectorSsdScan.Work::new);
    /** Partial sums of a call, which tasks of other threads write to: the memory of the calling thread. */
    private final ThreadLocal<Workspace> partials = ThreadLocal.withInitial(Workspace::new);

    public VectorSsmKernels(Parallel parallel) {
        this.parallel = parallel;
    }

    @Override
    public void causalConv1d(
            Storage y,
            Storage x,
            Storage w,
            Storage bias,
            Storage state,
            int batch,
            int length,
            int channels,
            int width,
            boolean silu) {
        if (length > 1 || state == null) {
            parallel.expectNoCapture("causalConv1d");
        }
        new VectorCausalConv1d(floats(x), floats(w), floatsOrNull(bias), batch, length, channels, width, silu)
                .forward(floats(y), floatsOrNull(state), parallel, partials.get());
    }

    @Override
    public void causalConv1dBackward(
            Storage dx,
            Storage dw,
            Storage dBias,
            Storage dy,
            Storage x,
            Storage w,
            Storage bias,
            int batch,
            int length,
            int channels,
            int width,
            boolean silu) {
        new VectorCausalConv1d(floats(x), floats(w), floatsOrNull(bias), batch, length, channels, width, silu)
                .backward(
                        floatsOrNull(dx), floatsOrNull(dw), floatsOrNull(dBias), floats(dy), parallel, partials.get(),
                        work);
    }

    @Override
    public void ssdScan(
            Storage y,
            Storage finalState,
            Storage xbc,
            Storage dt,
            Storage dtBias,
            Storage aLog,
            Storage d,
            Storage initialState,
            SsdShape s) {
        if (s.length() > 1) {
            parallel.expectNoCapture("ssdScan");
        }
        if (HeapStorage.areHalves(initialState, finalState)) {
            ssdScanOfHalves(
                    floats(y), halvesOrNull(finalState), SsdInputs.of(xbc, dt, dtBias, aLog, d, null, s),
                    halvesOrNull(initialState));
            return;
        }
        VectorSsdScan.scan(
                SsdInputs.of(xbc, dt, dtBias, aLog, d, initialState, s), floats(y), floatsOrNull(finalState), parallel,
                work);
    }

    /** BF16 states: a step is a kernel of its own; around more elements they are made F32 and rounded again. */
    private void ssdScanOfHalves(float[] ys, short[] finals, SsdInputs in, short[] initials) {
        SsdShape s = in.s();
        if (s.length() == 1) {
            VectorSsdHalfStep.run(in, ys, initials, finals, parallel, work);
            return;
        }
        int size = s.headDim() * s.dState();
        int states = s.batch() * s.heads();
        float[] floats = partials.get().floats(0, states * size);
        if (initials != null) {
            parallel.forRange(states, 1, (from, to) -> HeapStorage.widen(floats, from * size, initials, from * size,
                    (to - from) * size));
        }
        VectorSsdScan.scan(
                in.withInitial(initials == null ? null : floats), ys, finals == null ? null : floats, parallel, work);
        if (finals != null) {
            parallel.forRange(states, 1, (from, to) -> HeapStorage.round(finals, from * size, floats, from * size,
                    (to - from) * size));
        }
    }

    @Override
    public void ssdScanBackward(
            Storage dXbc,
            Storage dDt,
            Storage dDtBias,
            Storage dALog,
            Storage dD,
            Storage dInitialState,
            Storage dy,
            Storage dFinalState,
            Storage xbc,
            Storage dt,
            Storage dtBias,
            Storage aLog,
            Storage d,
            Storage initialState,
            SsdShape s) {
        new VectorSsdScanBackward(
                SsdInputs.of(xbc, dt, dtBias, aLog, d, initialState, s), floats(dXbc), floats(dDt),
                floatsOrNull(dInitialState), floats(dy), floatsOrNull(dFinalState), partials.get())
                .run(floats(dDtBias), floats(dALog), floatsOrNull(dD), parallel, work);
    }

    @Override
    public void selectiveScan(
            Storage y,
            Storage finalState,
            Storage x,
            Storage delta,
            Storage deltaBias,
            Storage aLog,
            Storage bMat,
            Storage cMat,
            Storage d,
            Storage initialState,
            int batch,
            int length,
            int channels,
            int dState) {
        if (length == 1) {
            new VectorSelectiveStep(
                    floats(x), floats(delta), floatsOrNull(deltaBias), floats(aLog), floats(bMat), floats(cMat),
                    floatsOrNull(d), floatsOrNull(initialState), channels, dState)
                    .run(floats(y), floatsOrNull(finalState), batch, parallel, work);
            return;
        }
        parallel.expectNoCapture("selectiveScan");
        VectorSelectiveScan.forward(
                inputs(x, delta, deltaBias, aLog, bMat, cMat, d, initialState, batch, length, channels, dState),
                floats(y), floatsOrNull(finalState), parallel, work);
    }

    @Override
    public void selectiveScanBackward(
            Storage dX,
            Storage dDelta,
            Storage dDeltaBias,
            Storage dALog,
            Storage dBMat,
            Storage dCMat,
            Storage dD,
            Storage dInitialState,
            Storage dy,
            Storage dFinalState,
            Storage x,
            Storage delta,
            Storage deltaBias,
            Storage aLog,
            Storage bMat,
            Storage cMat,
            Storage d,
            Storage initialState,
            int batch,
            int length,
            int channels,
            int dState) {
        VectorSelectiveScan.backward(
                inputs(x, delta, deltaBias, aLog, bMat, cMat, d, initialState, batch, length, channels, dState),
                new VectorSelectiveScan.Outputs(
                        floatsOrNull(dX), floatsOrNull(dDelta), floatsOrNull(dDeltaBias), floatsOrNull(dALog),
                        floatsOrNull(dBMat), floatsOrNull(dCMat), floatsOrNull(dD), floatsOrNull(dInitialState)),
                floats(dy), floatsOrNull(dFinalState), parallel, partials.get(), work);
    }

    private VectorSelectiveScan.Inputs inputs(
            Storage x,
            Storage delta,
            Storage deltaBias,
            Storage aLog,
            Storage bMat,
            Storage cMat,
            Storage d,
            Storage initialState,
            int batch,
            int length,
            int channels,
            int dState) {
        float[] aT = VectorSelectiveScan.transposedA(floats(aLog), channels, dState, partials.get());
        return new VectorSelectiveScan.Inputs(
                floats(x), floats(delta), floatsOrNull(deltaBias), aT, floats(bMat), floats(cMat), floatsOrNull(d),
                floatsOrNull(initialState), batch, length, channels, dState);
    }
}
