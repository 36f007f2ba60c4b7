package org.aimjvm.nn;

import org.aimjvm.backend.Shape;
import org.aimjvm.op.conv.NormConv2dOp;
import org.aimjvm.op.norm.GroupNormOp;
import org.aimjvm.tensor.Tensor;

/** GroupNorm over NCHW with {@code weight} and {@code bias} per channel, optionally followed by silu. */
public final class GroupNorm {
    private final Tensor weight;
    private final Tensor bias;
    private final int groups;
    private final float eps;

    public GroupNorm(Params params, int channels, int groups, float eps) {
        this.weight = params.get("weight", Shape.of(channels), Init.ones());
        this.bias = params.get("bias", Shape.of(channels), Init.zeros());
        this.groups = groups;
        this.eps = eps;
    }

    /** Normalised x. */
    public Tensor forward(Tensor x) {
        return GroupNormOp.groupNorm(x, weight, bias, groups, eps, false);
    }

    /** {@code silu} of the normalised x, fused. */
    public Tensor forwardSilu(Tensor x) {
        return GroupNormOp.groupNorm(x, weight, bias, groups, eps, true);
    }

    Tensor siluConv2d(Tensor x, Tensor convWeight, Tensor convBias, int pad, Tensor residual) {
        return NormConv2dOp.normSiluConv2d(x, weight, bias, groups, eps, convWeight, convBias, pad, residual);
    }
}
