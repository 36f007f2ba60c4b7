package org.aimjvm.verify;

import static org.aimjvm.verify.OpCase.constant;
import static org.aimjvm.verify.OpCase.in;
import static org.aimjvm.verify.OpCase.x;

import java.util.ArrayList;
import java.util.List;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.SsdSettings;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.op.elementwise.SplitOp;
import org.aimjvm.op.norm.NormedSum;
import org.aimjvm.op.norm.ResidualNormOp;
import org.aimjvm.op.ssm.CausalConv1dOp;
import org.aimjvm.op.ssm.LinearConvOp;
import org.aimjvm.op.ssm.ScanResult;
import org.aimjvm.op.ssm.SelectiveScanOp;
import org.aimjvm.op.ssm.SsdScanOp;
import org.aimjvm.tensor.Tensor;

/** Causal convolution, Mamba-2 and Mamba-1 recurrences, around the chunk length 64. */
final class SsmCases {
    private SsmCases() {}

    static List<OpCase> cases() {
        List<OpCase> cases = new ArrayList<>();
        for (int length : new int[] {1, 2, 7, 64, 65, 130}) {
            conv(cases, 2, length, 33, 4);
            ssd(cases, 2, length, SsdSettings.unlimited(4, 5, 2, 3), false);
            scan(cases, 2, length, 5, 4);
        }
        conv(cases, 3, 9, 17, 3);
        conv(cases, 1, 5, 70, 1);
        conv(cases, 1, 2, 16, 6);
        linearConv(cases, 2, 64, false);
        linearConv(cases, 3, 64, true);
        ssd(cases, 1, 70, SsdSettings.unlimited(3, 17, 1, 19), true);
        ssd(cases, 3, 5, SsdSettings.unlimited(2, 1, 1, 1), false);
        ssd(cases, 1, 3, SsdSettings.unlimited(2, 64, 1, 64), false);
        ssd(cases, 2, 66, SsdSettings.unlimited(6, 8, 2, 16), true);
        limitedSteps(cases, 5);
        limitedSteps(cases, 67);
        halfStates(cases, 1);
        halfStates(cases, 7);
        halfStates(cases, 66);
        scan(cases, 1, 9, 33, 16);
        scan(cases, 1, 3, 16, 1);
        return cases;
    }

    private static void conv(List<OpCase> cases, int batch, int length, int channels, int width) {
        String name = "causalConv1d " + batch + "x" + length + "x" + channels + " width " + width;
        cases.add(OpCase.of(
                name + " silu",
                xs -> CausalConv1dOp.causalConv1d(xs[0], xs[1], xs[2], null, true),
                in(-2, 2, batch, length, channels),
                x(channels, width),
                x(channels)));
        cases.add(OpCase.of(
                name + " no bias",
                xs -> CausalConv1dOp.causalConv1d(xs[0], xs[1], null, null, false),
                x(batch, length, channels),
                x(channels, 1, width)));
    }

    /** One element of each sequence: plain weights and frozen ones, the norm before the layer apart or with it. */
    private static void linearConv(List<OpCase> cases, int batch, int in, boolean withNorm) {
        int[] sizes = {5, 8, 4};
        String name = "linearConv " + batch + "x" + in + "x17" + (withNorm ? " behind a norm" : "");
        OpCase.Input x = constant(-1, 1, batch, 1, in);
        OpCase.Input row = constant(-1, 1, batch, in);
        List<OpCase.Input> inputs = List.of(
                x, constant(-1, 1, 17, in), constant(-1, 1, 17), constant(-1, 1, 8, 4), constant(-1, 1, 8),
                constant(-1, 1, batch, 8, 4), x, row, constant(-1, 1, in), row, row);
        for (WeightFormat format : new WeightFormat[] {null, WeightFormat.BF16}) {
            cases.add(new OpCase(
                    name + (format == null ? "" : " of " + format + " weights"), inputs, 1e-5,
                    OpCase.inference(xs -> {
                        Tensor w = format == null ? xs[1] : OpCase.onlyRead(xs[1], format);
                        Tensor state = Tensor.of(xs[5].backend(), xs[5].shape(), xs[5].toFloats());
                        NormedSum u = withNorm
                                ? ResidualNormOp.rmsNorm(xs[0], xs[7], xs[6], xs[8], 1e-5f, xs[9], xs[10])
                                : NormedSum.of(xs[0]);
                        Tensor[] y = LinearConvOp.linearConv(u, w, xs[2], sizes, 1, xs[3], xs[4], state, true);
                        return withNorm
                                ? new Tensor[] {y[0], y[1], y[2], state, u.residual()}
                                : new Tensor[] {y[0], y[1], y[2], state};
                    })));
        }
    }

    private static void ssd(List<OpCase> cases, int batch, int length, SsdSettings s, boolean perChannelD) {
        int heads = s.heads();
        String name = "ssdScan " + batch + "x" + length + " heads " + heads + "x" + s.headDim() + " groups " + s
                .groups() + " dState "
                + s.dState();
        OpCase.Input xbc = x(batch, length, heads * s.headDim() + 2 * s.groups() * s.dState());
        OpCase.Input dt = in(-3, 1, batch, length, heads);
        OpCase.Input d = perChannelD ? x(heads, s.headDim()) : x(heads);
        cases.add(OpCase.of(
                name,
                xs -> SsdScanOp.ssdScan(xs[0], xs[1], xs[2], xs[3], xs[4], null, s),
                xbc,
                dt,
                x(heads),
                in(-2, 1, heads),
                d));
        cases.add(new OpCase(
                name + " with states",
                List.of(xbc, dt, x(heads), in(-2, 1, heads), x(batch, heads, s.headDim(), s.dState())),
                1e-5,
                xs -> outputs(SsdScanOp.ssdScanFrom(xs[0], xs[1], xs[2], xs[3], null, xs[4], s))));
    }

    /** Steps below, between and above their limits, none so near that a finite difference would cross one. */
    private static void limitedSteps(List<OpCase> cases, int length) {
        SsdSettings s = new SsdSettings(3, 4, 1, 5, 0.1f, 2f);
        cases.add(OpCase.of(
                "ssdScan limited steps 2x" + length,
                xs -> {
                    Tensor dt = SplitOp.concat(xs[1], xs[2], xs[3]);
                    return SsdScanOp.ssdScan(xs[0], dt, xs[4], xs[5], xs[6], null, s);
                },
                x(2, length, 22),
                in(-3.5, -3, 2, length, 1),
                in(-1, 0.5, 2, length, 1),
                in(3, 4, 2, length, 1),
                in(-0.1, 0.1, 3),
                in(-2, 0, 3),
                x(3)));
    }

    /** States in BF16; the limit lets one element in a thousand fall to the other side where it is rounded. */
    private static void halfStates(List<OpCase> cases, int length) {
        SsdSettings s = SsdSettings.unlimited(4, 8, 2, 35);
        cases.add(new OpCase(
                "ssdScan of BF16 states 2x" + length,
                List.of(
                        constant(-1, 1, 2, length, 32 + 4 * 35), constant(-3, 1, 2, length, 4), constant(-1, 1, 4),
                        constant(-2, 1, 4), constant(-1, 1, 4), constant(-1, 1, 2, 4, 8, 35)),
                1e-4,
                xs -> {
                    Tensor state = Tensor.empty(xs[0].backend(), DType.BF16, xs[5].shape());
                    state.write(xs[5].toFloats());
                    return new Tensor[] {SsdScanOp.ssdScan(xs[0], xs[1], xs[2], xs[3], xs[4], state, s), state};
                }));
    }

    private static void scan(List<OpCase> cases, int batch, int length, int channels, int dState) {
        String name = "selectiveScan " + batch + "x" + length + "x" + channels + " dState " + dState;
        OpCase.Input bc = x(batch, length, dState);
        cases.add(OpCase.of(
                name,
                xs -> SelectiveScanOp.selectiveScan(xs[0], xs[1], xs[2], xs[3], xs[4], xs[5], xs[6], null),
                x(batch, length, channels),
                in(-3, 1, batch, length, channels),
                x(channels),
                in(-1, 1, channels, dState),
                bc,
                bc,
                x(channels)));
        cases.add(new OpCase(
                name + " with states",
                List.of(
                        x(batch, length, channels),
                        in(-3, 1, batch, length, channels),
                        in(-1, 1, channels, dState),
                        bc,
                        bc,
                        x(batch, channels, dState)),
                1e-5,
                xs -> outputs(SelectiveScanOp.selectiveScanFrom(xs[0], xs[1], null, xs[2], xs[3], xs[4], null,
                        xs[5]))));
    }

    private static Tensor[] outputs(ScanResult r) {
        return new Tensor[] {r.y(), r.finalState()};
    }
}
