package org.aimjvm.verify;

import static org.aimjvm.verify.OpCase.constant;
import static org.aimjvm.verify.OpCase.in;
import static org.aimjvm.verify.OpCase.x;

import java.util.ArrayList;
import java.util.List;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.op.norm.BatchNormOp;
import org.aimjvm.op.norm.GatedRmsNormOp;
import org.aimjvm.op.norm.GroupNormOp;
import org.aimjvm.op.norm.L2NormalizeOp;
import org.aimjvm.op.norm.LayerNormOp;
import org.aimjvm.op.norm.NormedSum;
import org.aimjvm.op.norm.ResidualNormOp;
import org.aimjvm.op.norm.RmsNormOp;
import org.aimjvm.op.ssm.GatedNormLinearOp;
import org.aimjvm.tensor.Tensor;

/** Normalisations. */
final class NormCases {
    private NormCases() {}

    static List<OpCase> cases() {
        List<OpCase> cases = new ArrayList<>();
        int[][] sizes = {{1, 1}, {3, 17}, {5, 64}, {1, 129}, {2, 192}, {3, 768}, {2, 1536}}; // rows, columns
        for (int[] s : sizes) {
            int rows = s[0];
            int cols = s[1];
            String size = " " + rows + "x" + cols;
            float eps = eps(cols);
            cases.add(OpCase.of(
                    "rmsNorm" + size, xs -> RmsNormOp.rmsNorm(xs[0], xs[1], eps), in(-2, 2, rows, cols), x(cols)));
            if (cols > 1) { // the derivative of one element by itself is zero, finite differences see only rounding
                cases.add(OpCase.of(
                        "layerNorm" + size,
                        xs -> LayerNormOp.layerNorm(xs[0], xs[1], xs[2], 1e-5f),
                        in(-2, 3, rows, cols),
                        x(cols),
                        x(cols)));
                cases.add(OpCase.of("l2Normalize" + size, xs -> L2NormalizeOp.l2Normalize(xs[0], 1e-12f), x(rows,
                        cols)));
            }
        }
        for (int[] s : new int[][] {{3, 2, 5, 7}, {1, 3, 4, 19}, {4, 17, 3, 3}}) {
            String size = " " + s[0] + "x" + s[1] + "x" + s[2] + "x" + s[3];
            cases.add(OpCase.of(
                    "batchNorm of the batch" + size,
                    xs -> BatchNormOp.batchNorm(xs[0], xs[1], xs[2], 1e-1f).y(),
                    in(-2, 3, s),
                    x(s[1]),
                    x(s[1])));
            cases.add(OpCase.of(
                    "batchNorm" + size,
                    xs -> BatchNormOp.batchNorm(xs[0], xs[1], xs[2], xs[3], xs[4], 1e-3f),
                    in(-2, 3, s),
                    x(s[1]),
                    x(s[1]),
                    constant(-1, 1, s[1]),
                    constant(0.5, 2, s[1])));
        }
        for (int[] s : new int[][] {{2, 3, 17}, {3, 1, 64}}) {
            cases.add(new OpCase(
                    "residualNorm " + s[0] + "x" + s[1] + "x" + s[2],
                    List.of(in(0.5, 2, s), in(0.5, 2, s[0], s[2]), x(s), x(s[2]), x(s[0], s[2]), x(s[0], s[2])), 1e-5,
                    xs -> {
                        NormedSum r =
                                ResidualNormOp.rmsNorm(xs[0], xs[1], xs[2], xs[3], 1e-1f, xs[4], xs[5]);
                        return new Tensor[] {r.residual(), r.normed()};
                    }));
            cases.add(new OpCase(
                    "residualNorm with mean " + s[0] + "x" + s[1] + "x" + s[2],
                    List.of(
                            in(0.5, 2, s), in(0.5, 2, s[0], s[2]), x(s), x(s[2]), x(s[2]), x(s[0], s[2]),
                            x(s[0], s[2])),
                    1e-5,
                    xs -> {
                        NormedSum r = ResidualNormOp.layerNorm(
                                xs[0], xs[1], xs[2], xs[3], xs[4], 1e-1f, xs[5], xs[6]);
                        return new Tensor[] {r.residual(), r.normed()};
                    }));
        }
        cases.add(OpCase.of("l2Normalize 3x8 clipped", xs -> L2NormalizeOp.l2Normalize(xs[0], 10f), x(3, 8)));
        for (int[] s : new int[][] {{1, 1, 1}, {3, 17, 1}, {5, 64, 4}, {1, 129, 3}, {2, 192, 1}, {3, 768, 2}, {2, 1536,
            1}}) {
            float eps = eps(s[1]);
            for (boolean normBeforeGate : new boolean[] {false, true}) {
                cases.add(OpCase.of(
                        "gatedRmsNorm " + s[0] + "x" + s[1] + " groups " + s[2] + (normBeforeGate ? " norm first" : ""),
                        xs -> GatedRmsNormOp.gatedRmsNorm(xs[0], xs[1], xs[2], s[2], normBeforeGate, eps),
                        in(0.5, 3, s[0], s[1]),
                        in(0.5, 3, s[0], s[1]),
                        x(s[1])));
            }
        }
        gatedNormLinear(cases, 2, 64, 2, false, null);
        gatedNormLinear(cases, 3, 64, 1, true, WeightFormat.BF16);
        int[][] pictures = {{1, 32, 3, 3}, {2, 64, 1, 7}, {1, 128, 5, 6}, {2, 6, 16, 16}, {1, 128, 16, 16}};
        for (int[] p : pictures) { // batch, channels, height, width
            int groups = p[1] == 6 ? 3 : 32;
            for (boolean silu : new boolean[] {false, true}) {
                cases.add(OpCase.of(
                        "groupNorm " + p[0] + "x" + p[1] + "x" + p[2] + "x" + p[3] + " groups " + groups + (silu
                                ? " silu" : ""),
                        xs -> GroupNormOp.groupNorm(xs[0], xs[1], xs[2], groups, 1e-6f, silu),
                        in(-2, 3, p),
                        x(p[1]),
                        x(p[1])));
            }
        }
        return cases;
    }

    /** @param format of frozen weights; {@code null}: plain ones */
    private static void gatedNormLinear(
            List<OpCase> cases, int rows, int in, int groups, boolean normBeforeGate, WeightFormat format) {
        cases.add(new OpCase(
                "gatedNormLinear " + rows + "x" + in + "x17 groups " + groups + (normBeforeGate ? " norm first" : "")
                        + (format == null ? "" : " of " + format + " weights"),
                List.of(
                        constant(-2, 2, rows, in), constant(-2, 2, rows, in), constant(-1, 1, in),
                        constant(-1, 1, 17, in), constant(-1, 1, 17)),
                1e-5,
                OpCase.inference(xs -> {
                    Tensor w = format == null ? xs[3] : OpCase.onlyRead(xs[3], format);
                    return new Tensor[] {GatedNormLinearOp.gatedNormLinear(
                            xs[0], xs[1], xs[2], groups, normBeforeGate, 1e-5f, w, xs[4])};
                })));
    }

    /**
     * One element divided by its own size has a gradient only through eps; a small one would leave nothing but
     * rounding.
     */
    private static float eps(int cols) {
        return cols == 1 ? 0.5f : 1e-5f;
    }
}
