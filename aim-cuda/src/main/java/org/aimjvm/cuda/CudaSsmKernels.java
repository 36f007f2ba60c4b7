package org.aimjvm.cuda;

import org.aimjvm.backend.CausalConv1d;
import org.aimjvm.backend.CausalConvShape;
import org.aimjvm.backend.SelectiveScan;
import org.aimjvm.backend.SelectiveShape;
import org.aimjvm.backend.SsdScan;
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
    public void causalConv1d(Storage y, Storage state, CausalConv1d.Inputs in, CausalConvShape s) {
        conv1d.forward(y, state, in, s);
    }

    @Override
    public void causalConv1dBackward(
            CausalConv1d.Gradients out, Storage dy, CausalConv1d.Inputs in, CausalConvShape s) {
        conv1d.backward(out, dy, in, s);
    }

    @Override
    public void ssdScan(Storage y, Storage finalState, SsdScan.Inputs in, SsdShape s) {
        ssd.forward(y, finalState, in, s);
    }

    @Override
    public void ssdScanBackward(
            SsdScan.Gradients out, Storage dy, Storage dFinalState, SsdScan.Inputs in, SsdShape s) {
        ssd.backward(out, dy, dFinalState, in, s);
    }

    @Override
    public void selectiveScan(Storage y, Storage finalState, SelectiveScan.Inputs in, SelectiveShape s) {
        selective.forward(y, finalState, in, s);
    }

    @Override
    public void selectiveScanBackward(
            SelectiveScan.Gradients out, Storage dy, Storage dFinalState, SelectiveScan.Inputs in, SelectiveShape s) {
        selective.backward(out, dy, dFinalState, in, s);
    }
}
