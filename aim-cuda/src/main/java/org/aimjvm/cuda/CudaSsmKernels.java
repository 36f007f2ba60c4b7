package org.aimjvm.cuda;

import org.aimjvm.backend.SsdShape;
import org.aimjvm.backend.SsmKernels;
import org.aimjvm.backend.Storage;

/** State-space kernels: {@code kernels/conv1d.cu}, {@code kernels/ssd.cu}, {@code kernels/selective_scan.cu}. */
final class CudaSsmKernels implements SsmKernels {
    private final CudaCausalConv1d conv1d;
    private final CudaSsdScan ssd;
    private final CudaSelectiveScan selective;

    CudaSsmKernels(CudaContext context) {
        this.conv1d = new CudaCausalConv1d(context);
        this.ssd = new CudaSsdScan(context);
        this.selective = new CudaSelectiveScan(context);
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
        conv1d.forward(y, x, w, bias, state, batch, length, channels, width, silu);
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
        conv1d.backward(dx, dw, dBias, dy, x, w, bias, batch, length, channels, width, silu);
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
        ssd.forward(y, finalState, xbc, dt, dtBias, aLog, d, initialState, s);
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
        ssd.backward(
                dXbc, dDt, dDtBias, dALog, dD, dInitialState, dy, dFinalState, xbc, dt, dtBias, aLog, d, initialState,
                s);
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
        selective.forward(
                y, finalState, x, delta, deltaBias, aLog, bMat, cMat, d, initialState, batch, length, channels, dState);
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
        selective.backward(
                dX, dDelta, dDeltaBias, dALog, dBMat, dCMat, dD, dInitialState, dy, dFinalState, x, delta, deltaBias,
                aLog, bMat,
                cMat, d, initialState, batch, length, channels, dState);
    }
}
