package org.aimjvm.op.norm;

import static org.aimjvm.op.Shapes.gradientFor;
import static org.aimjvm.op.Shapes.storageOrNull;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.NormKernels.Gradients;
import org.aimjvm.backend.NormKernels.GroupShape;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** Group normalisation (Wu and He 2018), fused with the silu that follows it in the tokenizer. */
public final class GroupNormOp {
    private GroupNormOp() {}

    /**
     * {@code y = f((x - mean_g) / sqrt(var_g + eps) * weight[c] + bias[c])}, statistics over all pixels of the {@code
     * channels / groups} channels of a group; f is silu if {@code silu}, else the identity.
     *
     * @param x (batch, channels, height, width)
     * @param weight (channels)
     * @param bias (channels)
     * @param groups a divisor of channels
     * @return as x
     */
    public static Tensor groupNorm(Tensor x, Tensor weight, Tensor bias, int groups, float eps, boolean silu) {
        check(x, weight, bias, groups);
        GroupShape s = shape(x, groups);
        Backend backend = x.backend();
        Tensor y = Tensor.empty(backend, x.shape());
        Tensor stats = Tensor.empty(backend, Shape.of(x.dim(0), groups, 2));
        backend.norm()
                .groupNorm(
                        y.storage(), stats.storage(), x.storage(), weight.storage(), bias.storage(), s, eps, silu);
        return Autograd.tape(
                y,
                dY -> {
                    Tensor dX = gradientFor(x);
                    Tensor dWeight = gradientFor(weight);
                    Tensor dBias = gradientFor(bias);
                    backend.norm()
                            .groupNormBackward(
                                    new Gradients(storageOrNull(dX), storageOrNull(dWeight), storageOrNull(dBias)),
                                    dY.storage(), x.storage(), weight.storage(), bias.storage(), stats.storage(), s,
                                    silu);
                    return new Tensor[] {dX, dWeight, dBias};
                },
                x,
                weight,
                bias);
    }

    /** Sizes of {@code x} (batch, channels, height, width). */
    public static GroupShape shape(Tensor x, int groups) {
        return new GroupShape(x.dim(0), x.dim(1), x.dim(2) * x.dim(3), groups);
    }

    public static void check(Tensor x, Tensor weight, Tensor bias, int groups) {
        Shapes.expectRank("groupNorm", "x", x, 4);
        int channels = x.dim(1);
        Shapes.expect("groupNorm", "weight", weight, channels);
        Shapes.expect("groupNorm", "bias", bias, channels);
        Shapes.check(
                groups >= 1 && channels % groups == 0,
                "groupNorm",
                "groups " + groups + " (expected a divisor of " + channels + " channels)");
    }
}
