package org.aimjvm.cpu.scalar;

import org.aimjvm.backend.CausalConv1d;
import org.aimjvm.backend.CausalConvShape;
import org.aimjvm.backend.SelectiveScan;
import org.aimjvm.backend.SelectiveShape;
import org.aimjvm.backend.SsdScan;
import org.aimjvm.backend.SsdShape;
import org.aimjvm.backend.SsmKernels;
import org.aimjvm.backend.Storage;

/**
 * Reference state-space kernels: the recurrences as they are written in the papers, and their derivatives backwards in
 * time. States and sums in double, so that faster orders of summation can be judged against them.
 */
public final class ScalarSsmKernels implements SsmKernels {

    @Override
    public void causalConv1d(Storage y, Storage state, CausalConv1d.Inputs in, CausalConvShape s) {
        new ScalarCausalConv1d(in, s).forward(y, state);
    }

    @Override
    public void causalConv1dBackward(
            CausalConv1d.Gradients out, Storage dy, CausalConv1d.Inputs in, CausalConvShape s) {
        new ScalarCausalConv1d(in, s).backward(out, dy);
    }

    @Override
    public void ssdScan(Storage y, Storage finalState, SsdScan.Inputs in, SsdShape s) {
        new ScalarSsdScan(in, s).forward(y, finalState);
    }

    @Override
    public void ssdScanBackward(
            SsdScan.Gradients out, Storage dy, Storage dFinalState, SsdScan.Inputs in, SsdShape s) {
        new ScalarSsdScan(in, s).backward(out, dy, dFinalState);
    }

    @Override
    public void selectiveScan(Storage y, Storage finalState, SelectiveScan.Inputs in, SelectiveShape s) {
        new ScalarSelectiveScan(in, s).forward(y, finalState);
    }

    @Override
    public void selectiveScanBackward(
            SelectiveScan.Gradients out, Storage dy, Storage dFinalState, SelectiveScan.Inputs in, SelectiveShape s) {
        new ScalarSelectiveScan(in, s).backward(out, dy, dFinalState);
    }

    static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    static double softplus(double x) {
        return x > 20 ? x : Math.log1p(Math.exp(x));
    }

    static double softplusDerivative(double x) {
        return x > 20 ? 1 : sigmoid(x);
    }

    /** The first {@code count} of {@code dst}; zeros if {@code src} is {@code null}. */
    static void load(double[] dst, float[] src, int from, int count) {
        for (int i = 0; i < count; i++) {
            dst[i] = src == null ? 0 : src[from + i];
        }
    }

    /** Nothing if {@code dst} is {@code null}. */
    static void store(float[] dst, int to, double[] src, int count) {
        for (int i = 0; i < count && dst != null; i++) {
            dst[to + i] = (float) src[i];
        }
    }
}
