package org.aimjvm.op.ssm;

import static org.aimjvm.op.Shapes.storageOrNull;

import java.util.Optional;
import org.aimjvm.backend.FusedKernels;
import org.aimjvm.op.Shapes;
import org.aimjvm.op.gemm.LinearOp;
import org.aimjvm.op.norm.GatedRmsNormOp;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/**
 * The gated norm and the output projection of Mamba-2, which follow its recurrence. A device with {@link
 * org.aimjvm.backend.Backend#fused} does a few rows in one launch instead of two; all else is the operations one by
 * one, which have the same bits.
 */
public final class GatedNormLinearOp {
    private GatedNormLinearOp() {}

    /**
     * {@code linear(gatedRmsNorm(x, z), w, bias)}, see {@link GatedRmsNormOp#gatedRmsNorm} and {@link LinearOp#linear}.
     *
     * @param x (..., in)
     * @param z (..., in)
     * @param normWeight (in)
     * @param groups a divisor of in
     * @param w (out, in)
     * @param bias (out), or {@code null}
     * @return (..., out)
     */
    public static Tensor gatedNormLinear(
            Tensor x, Tensor z, Tensor normWeight, int groups, boolean normBeforeGate, float eps, Tensor w,
            Tensor bias) {
        Optional<FusedKernels> fused = x.backend().fused();
        int rows = x.shape().rows();
        int in = x.dim(-1);
        if (fused.isEmpty() || Scope.tracksGradients() || groups < 1 || in % groups != 0
                || !fused.get().takesNormedLinear(w.storage(), rows, in, groups)) {
            return LinearOp.linear(GatedRmsNormOp.gatedRmsNorm(x, z, normWeight, groups, normBeforeGate, eps), w, bias);
        }
        String op = "gatedNormLinear";
        Shapes.expectRank(op, "weight", w, 2);
        int out = w.dim(0);
        Shapes.expect(op, "weight", w, out, in);
        Shapes.expect(op, "z", z, x.shape());
        Shapes.expect(op, "norm's weight", normWeight, in);
        if (bias != null) {
            Shapes.expect(op, "bias", bias, out);
        }
        Tensor y = Tensor.empty(x.backend(), x.shape().withLast(out));
        FusedKernels.GatedNorm normed = new FusedKernels.GatedNorm(
                x.storage(), z.storage(), normWeight.storage(), groups, normBeforeGate, eps);
        fused.get().gatedNormLinear(y.storage(), normed, w.storage(), storageOrNull(bias), rows, out, in);
        return y;
    }
}
