package org.aimjvm.cpu;

import static org.aimjvm.cpu.KernelCall.sizes;

import java.util.ArrayList;
import java.util.List;
import org.aimjvm.backend.FusedKernels;
import org.aimjvm.backend.NormKernels.ChannelShape;
import org.aimjvm.backend.NormKernels.GatedGradients;
import org.aimjvm.backend.NormKernels.GatedShape;
import org.aimjvm.backend.NormKernels.Gradients;
import org.aimjvm.backend.NormKernels.GroupShape;

/** Norm kernels, forward and backward, with one row and with many pieces, without and with every optional output. */
final class NormCalls {
    private NormCalls() {}

    static List<KernelCall> calls() {
        List<KernelCall> calls = new ArrayList<>();
        for (int[] s : new int[][] {{1, 1}, {2, 768}, {5, 33}, {1000, 67}, {150, 192}, {3, 20000}, {4000, 8}}) {
            int rows = s[0];
            int cols = s[1];
            int n = rows * cols;
            String size = " " + rows + "x" + cols;
            calls.add(KernelCall.of(
                    "rmsNorm" + size,
                    sizes(n, rows),
                    sizes(n, cols),
                    (b, o, i) -> b.norm().rmsNorm(o[0], o[1], i[0], i[1], rows, cols, 1e-5f)));
            calls.add(KernelCall.of(
                    "rmsNormBackward" + size,
                    sizes(n, cols),
                    sizes(n, n, cols, rows),
                    (b, o, i) -> b.norm().rmsNormBackward(o[0], o[1], i[0], i[1], i[2], i[3], rows, cols)));
            calls.add(KernelCall.of(
                    "gateAddRmsNorm" + size,
                    sizes(n, n),
                    sizes(n, cols, n, cols, cols, cols),
                    (b, o, i) -> b.norm().gateAddRmsNorm(
                            o[0],
                            new FusedKernels.ResidualNorm(o[1], i[0], i[1], i[2], i[3], i[4], i[5], 1e-5f),
                            1, rows, cols)));
            calls.add(KernelCall.of("rmsNormBackward one output" + size, sizes(n, cols), sizes(n, n, cols, rows),
                    (b, o, i) -> {
                        b.norm().rmsNormBackward(o[0], null, i[0], i[1], i[2], i[3], rows, cols);
                        b.norm().rmsNormBackward(null, o[1], i[0], i[1], i[2], i[3], rows, cols);
                    }));
            calls.add(KernelCall.of(
                    "layerNorm" + size,
                    sizes(n, 2 * rows),
                    sizes(n, cols, cols),
                    (b, o, i) -> b.norm().layerNorm(o[0], o[1], i[0], i[1], i[2], rows, cols, 1e-1f)));
            calls.add(KernelCall.of(
                    "layerNormBackward" + size,
                    sizes(n, cols, cols),
                    sizes(n, n, cols, 2 * rows),
                    (b, o, i) -> b.norm().layerNormBackward(
                            new Gradients(o[0], o[1], o[2]), i[0], i[1], i[2], i[3], rows, cols)));
            calls.add(KernelCall.of(
                    "l2Normalize" + size,
                    sizes(n, rows),
                    sizes(n),
                    (b, o, i) -> b.norm().l2Normalize(o[0], o[1], i[0], rows, cols, 1e-6f)));
            calls.add(KernelCall.of(
                    "l2NormalizeBackward" + size,
                    sizes(n),
                    sizes(n, n, rows),
                    (b, o, i) -> b.norm().l2NormalizeBackward(o[0], i[0], i[1], i[2], rows, cols, 1f)));
        }
        for (int[] s : new int[][] {{1, 1, 1}, {5, 33, 1}, {300, 192, 3}, {2, 1536, 1}, {7, 40, 5}, {3, 20000, 2}}) {
            int rows = s[0];
            int cols = s[1];
            int groups = s[2];
            int n = rows * cols;
            int stats = rows * groups;
            for (boolean normFirst : new boolean[] {false, true}) {
                GatedShape shape = new GatedShape(rows, cols, groups, normFirst);
                String size = " " + rows + "x" + cols + " groups " + groups + " " + normFirst;
                calls.add(KernelCall.of(
                        "gatedRmsNorm" + size,
                        sizes(n, stats),
                        sizes(n, n, cols),
                        (b, o, i) -> b.norm()
                                .gatedRmsNorm(o[0], o[1], i[0], i[1], i[2], shape, 1e-5f)));
                calls.add(KernelCall.of(
                        "gatedRmsNormBackward" + size,
                        sizes(n, n, cols),
                        sizes(n, n, n, cols, stats),
                        (b, o, i) -> b.norm()
                                .gatedRmsNormBackward(
                                        new GatedGradients(o[0], o[1], o[2]), i[0], i[1], i[2], i[3], i[4],
                                        shape)));
            }
        }
        for (int[] s : new int[][] {{1, 1, 1, 1}, {2, 6, 35, 3}, {3, 64, 256, 32}, {1, 8, 5000, 2}}) {
            int batch = s[0];
            int channels = s[1];
            int area = s[2];
            int groups = s[3];
            int n = batch * channels * area;
            int stats = 2 * batch * groups;
            GroupShape shape = new GroupShape(batch, channels, area, groups);
            for (boolean silu : new boolean[] {false, true}) {
                String size = " " + batch + "x" + channels + "x" + area + " groups " + groups + (silu ? " silu" : "");
                calls.add(KernelCall.of(
                        "groupNorm" + size,
                        sizes(n, stats),
                        sizes(n, channels, channels),
                        (b, o, i) -> b.norm()
                                .groupNorm(o[0], o[1], i[0], i[1], i[2], shape, 1e-1f, silu)));
                calls.add(KernelCall.of(
                        "groupNorm statistics" + size,
                        sizes(stats),
                        sizes(n, channels, channels),
                        (b, o, i) -> b.norm()
                                .groupNorm(null, o[0], i[0], i[1], i[2], shape, 1e-1f, silu)));
                calls.add(KernelCall.of(
                        "groupNormBackward" + size,
                        sizes(n, channels, channels),
                        sizes(n, n, channels, channels, stats),
                        (b, o, i) -> b.norm()
                                .groupNormBackward(
                                        new Gradients(o[0], o[1], o[2]), i[0], i[1], i[2], i[3], i[4], shape,
                                        silu)));
                calls.add(KernelCall.of(
                        "groupNormBackward one output" + size,
                        sizes(channels),
                        sizes(n, n, channels, channels, stats),
                        (b, o, i) -> b.norm()
                                .groupNormBackward(
                                        new Gradients(null, o[0], null), i[0], i[1], i[2], i[3], i[4], shape,
                                        silu)));
            }
        }
        batchNorms(calls);
        return calls;
    }

    /** Batch norms; variances are those of x, which leaves the constant ones of evaluation as good as any. */
    private static void batchNorms(List<KernelCall> calls) {
        // batch, channels, area; of one value the gradient is zero, which only rounding would tell from zero
        for (int[] p : new int[][] {{1, 2, 3}, {3, 5, 37}, {7, 300, 9}, {2, 64, 961}, {1, 3, 20000}, {40, 1, 1}}) {
            ChannelShape s = new ChannelShape(p[0], p[1], p[2]);
            int c = s.channels();
            int n = c * s.count();
            calls.add(KernelCall.of(
                    "channelMoments " + s, sizes(c, c), sizes(n),
                    (b, o, i) -> b.norm().channelMoments(o[0], o[1], i[0], s)));
            calls.add(KernelCall.of("batchNorm " + s, sizes(n, c, c), sizes(n, c, c), (b, o, i) -> {
                b.norm().channelMoments(o[1], o[2], i[0], s);
                b.norm().batchNorm(o[0], i[0], i[1], i[2], o[1], o[2], s, 1e-1f);
            }));
            for (boolean constant : new boolean[] {false, true}) {
                calls.add(KernelCall.of(
                        "batchNormBackward " + constant + " " + s, sizes(n, c, c, c, c), sizes(n, n, c),
                        (b, o, i) -> {
                            b.norm().channelMoments(o[3], o[4], i[1], s);
                            b.norm().batchNormBackward(
                                    new Gradients(o[0], o[1], o[2]), i[0], i[1], i[2], o[3], o[4], s, 1e-1f, constant);
                        }));
                calls.add(KernelCall.of(
                        "batchNormBackward one output " + constant + " " + s, sizes(n, c, c, c), sizes(n, n, c),
                        (b, o, i) -> {
                            b.norm().channelMoments(o[2], o[3], i[1], s);
                            b.norm().batchNormBackward(
                                    new Gradients(o[0], null, null), i[0], i[1], i[2], o[2], o[3], s, 1e-1f, constant);
                            b.norm().batchNormBackward(
                                    new Gradients(null, o[1], null), i[0], i[1], i[2], o[2], o[3], s, 1e-1f, constant);
                        }));
            }
        }
    }
}
