package org.aimjvm.op.norm;

import org.aimjvm.op.Shapes;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.ModulateOp;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/**
 * Gated sum, normalisation and modulation between two mixers (AiM paper, section 3.3): a branch is gated and added to
 * the residual stream, and that is normalised and modulated for the next branch. Where no gradient is tracked one
 * kernel does it, which saves a decoding step three launches per block; a gradient needs what lies between, so a
 * training scope gets the operations one by one, which have the same bits.
 */
public final class ResidualNormOp {
    private ResidualNormOp() {}

    /**
     * {@code residual' = residual + branch * gate}, {@code normed = rmsNorm(residual') * (1 + scale) + shift}.
     *
     * @param branch (batch, L, dim)
     * @param gate (batch, dim), or {@code null} for 1
     * @param residual as branch, or {@code null} for 0
     * @param weight (dim)
     * @param shift (batch, dim), or {@code null} without modulation
     * @param scale as shift
     */
    public static NormedSum rmsNorm(
            Tensor branch, Tensor gate, Tensor residual, Tensor weight, float eps, Tensor shift, Tensor scale) {
        if (Scope.tracksGradients() || gate == null || residual == null) {
            Tensor sum = sum(branch, gate, residual);
            return new NormedSum(sum, modulated(RmsNormOp.rmsNorm(sum, weight, eps), shift, scale));
        }
        Shapes.expectRank("residualNorm", "branch", branch, 3);
        int batch = branch.dim(0);
        int dim = branch.dim(2);
        Shapes.expect("residualNorm", "residual", residual, branch.shape());
        Shapes.expect("residualNorm", "gate", gate, batch, dim);
        Shapes.expect("residualNorm", "weight", weight, dim);
        if (shift != null) {
            Shapes.expect("residualNorm", "shift", shift, batch, dim);
            Shapes.expect("residualNorm", "scale", scale, batch, dim);
        }
        NormedSum result =
                new NormedSum(new NormedSum.Pending(branch, gate, residual, weight, eps, shift, scale));
        if (branch.dim(1) > 1 || branch.backend().fused().isEmpty()) {
            result.normed(); // no layer after it will compute it
        }
        return result;
    }

    /** As {@link #rmsNorm} with the mean taken off and a bias added: LayerNorm. */
    public static NormedSum layerNorm(
            Tensor branch, Tensor gate, Tensor residual, Tensor weight, Tensor bias, float eps, Tensor shift,
            Tensor scale) {
        Tensor sum = sum(branch, gate, residual);
        return new NormedSum(sum, modulated(LayerNormOp.layerNorm(sum, weight, bias, eps), shift, scale));
    }

    private static Tensor sum(Tensor branch, Tensor gate, Tensor residual) {
        Tensor hidden = gate == null ? branch : ModulateOp.gate(branch, gate);
        return residual == null ? hidden : ArithmeticOp.add(hidden, residual);
    }

    private static Tensor modulated(Tensor normed, Tensor shift, Tensor scale) {
        return shift == null ? normed : ModulateOp.modulate(normed, shift, scale);
    }
}
