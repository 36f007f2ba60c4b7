package org.aimjvm.cpu;

import static org.aimjvm.cpu.KernelCall.sizes;

import java.util.ArrayList;
import java.util.List;
import org.aimjvm.backend.CausalConv1d;
import org.aimjvm.backend.CausalConvShape;
import org.aimjvm.backend.SelectiveScan;
import org.aimjvm.backend.SelectiveShape;
import org.aimjvm.backend.SsdScan;
import org.aimjvm.backend.SsdSettings;
import org.aimjvm.backend.SsdShape;

/** State-space kernels with several tasks, tasks of different sizes, partial chunks and states. */
final class SsmCalls {
    private SsmCalls() {}

    static List<KernelCall> calls() {
        List<KernelCall> calls = new ArrayList<>();
        conv(calls, 3, 70, 37, 4);
        conv(calls, 2, 1, 5000, 4);
        conv(calls, 2, 1, 35, 2);
        conv(calls, 2, 20, 300, 3);
        for (int length : new int[] {1, 2, 64, 130}) {
            ssd(calls, new SsdShape(3, length, SsdSettings.unlimited(6, 10, 1, 7), false)); // 3 + 3 heads
            ssd(calls, new SsdShape(2, length, new SsdSettings(10, 16, 2, 33, 0.05f, 1.5f), true)); // 2 + 3 in each
        }
        scan(calls, 3, 40, 300, 5);
        scan(calls, 2, 1, 19, 16);
        return calls;
    }

    private static void conv(List<KernelCall> calls, int batch, int length, int channels, int width) {
        CausalConvShape s = new CausalConvShape(batch, length, channels, width);
        int n = s.rows() * channels;
        int w = channels * width;
        int state = batch * w;
        String size = " " + batch + "x" + length + "x" + channels + " width " + width;
        for (boolean silu : new boolean[] {false, true}) {
            calls.add(KernelCall.of(
                    "causalConv1d" + size + " silu " + silu, sizes(n, state), sizes(n, w, channels, state),
                    (b, o, i) -> {
                        b.copy(o[1], 0, i[3], 0, state);
                        b.ssm().causalConv1d(o[0], o[1], new CausalConv1d.Inputs(i[0], i[1], i[2], silu), s);
                    }));
            calls.add(KernelCall.of(
                    "causalConv1dBackward" + size + " silu " + silu,
                    sizes(n, w, channels),
                    sizes(n, n, w, channels),
                    (b, o, i) -> b.ssm()
                            .causalConv1dBackward(
                                    new CausalConv1d.Gradients(o[0], o[1], o[2]), i[0],
                                    new CausalConv1d.Inputs(i[1], i[2], i[3], silu), s)));
        }
    }

    private static void ssd(List<KernelCall> calls, SsdShape s) {
        int rows = s.batch() * s.length();
        int y = rows * s.innerDim();
        int xbc = rows * s.xbcDim();
        int dt = rows * s.heads();
        int h = s.heads();
        int d = s.perChannelD() ? s.innerDim() : h;
        int state = s.stateShape().size();
        calls.add(KernelCall.of(
                "ssdScan " + s,
                sizes(y, state),
                sizes(xbc, dt, h, h, d, state),
                (b, o, i) -> b.ssm()
                        .ssdScan(o[0], o[1], new SsdScan.Inputs(i[0], i[1], i[2], i[3], i[4], i[5]), s)));
        calls.add(KernelCall.of(
                "ssdScan alone " + s,
                sizes(y),
                sizes(xbc, dt, h, h),
                (b, o, i) -> b.ssm()
                        .ssdScan(o[0], null, new SsdScan.Inputs(i[0], i[1], i[2], i[3], null, null), s)));
        calls.add(KernelCall.of(
                "ssdScanBackward " + s,
                sizes(xbc, dt, h, h, d, state),
                sizes(y, state, xbc, dt, h, h, d, state),
                (b, o, i) -> b.ssm()
                        .ssdScanBackward(
                                new SsdScan.Gradients(o[0], o[1], o[2], o[3], o[4], o[5]), i[0], i[1],
                                new SsdScan.Inputs(i[2], i[3], i[4], i[5], i[6], i[7]), s)));
        calls.add(KernelCall.of(
                "ssdScanBackward alone " + s,
                sizes(xbc, dt, h, h),
                sizes(y, xbc, dt, h, h),
                (b, o, i) -> b.ssm()
                        .ssdScanBackward(
                                new SsdScan.Gradients(o[0], o[1], o[2], o[3], null, null), i[0], null,
                                new SsdScan.Inputs(i[1], i[2], i[3], i[4], null, null), s)));
    }

    private static void scan(List<KernelCall> calls, int batch, int length, int channels, int dState) {
        SelectiveShape s = new SelectiveShape(batch, length, channels, dState);
        int x = s.rows() * channels;
        int bc = s.rows() * dState;
        int a = channels * dState;
        int state = batch * a;
        String size = " " + batch + "x" + length + "x" + channels + " dState " + dState;
        calls.add(KernelCall.of(
                "selectiveScan" + size,
                sizes(x, state),
                sizes(x, x, channels, a, bc, bc, channels, state),
                (b, o, i) -> b.ssm()
                        .selectiveScan(
                                o[0], o[1],
                                new SelectiveScan.Inputs(i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7]), s)));
        calls.add(KernelCall.of(
                "selectiveScanBackward" + size,
                sizes(x, x, channels, a, bc, bc, channels, state),
                sizes(x, state, x, x, channels, a, bc, bc, channels, state),
                (b, o, i) -> b.ssm()
                        .selectiveScanBackward(
                                new SelectiveScan.Gradients(o[0], o[1], o[2], o[3], o[4], o[5], o[6], o[7]), i[0],
                                i[1], new SelectiveScan.Inputs(i[2], i[3], i[4], i[5], i[6], i[7], i[8], i[9]), s)));
    }
}
