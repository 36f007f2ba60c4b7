package org.aimjvm.op.conv;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Conv2dShape;
import org.aimjvm.backend.ConvKernels;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.Shapes;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.norm.GroupNormOp;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/**
 * Half a residual block of the tokenizer: a convolution of the normalised picture. Where no gradient is tracked one
 * kernel computes it and the normalised picture is never stored; a gradient needs that picture, so a training scope
 * gets the three operations, which have the same bits.
 */
public final class NormConv2dOp {
    private NormConv2dOp() {}

    /**
     * {@code y = residual + conv2d(silu(groupNorm(x)), w) + bias}, stride 1, equal padding on all sides.
     *
     * @param x (batch, inChannels, height, width)
     * @param normWeight (inChannels)
     * @param normBias (inChannels)
     * @param groups a divisor of inChannels
     * @param w (outChannels, inChannels, kernelHeight, kernelWidth)
     * @param bias (outChannels), or {@code null}
     * @param residual as the result, or {@code null}
     * @return (batch, outChannels, outHeight, outWidth)
     */
    public static Tensor normSiluConv2d(
            Tensor x, Tensor normWeight, Tensor normBias, int groups, float eps, Tensor w, Tensor bias, int pad,
            Tensor residual) {
        if (Scope.tracksGradients()) {
            Tensor n = GroupNormOp.groupNorm(x, normWeight, normBias, groups, eps, true);
            Tensor h = Conv2dOp.conv2d(n, w, bias, 1, pad, pad, pad, pad);
            return residual == null ? h : ArithmeticOp.add(residual, h);
        }
        GroupNormOp.check(x, normWeight, normBias, groups);
        Conv2dShape s = Conv2dOp.shape(x, w, bias, 1, pad, pad, pad, pad);
        Shape shape = Shape.of(x.dim(0), w.dim(0), s.outHeight(), s.outWidth());
        if (residual != null) {
            Shapes.check(
                    residual.shape().equals(shape), "normSiluConv2d",
                    "residual of shape " + residual.shape() + ", expected " + shape);
        }
        Backend backend = x.backend();
        Tensor y = Tensor.empty(backend, shape);
        Tensor stats = Tensor.empty(backend, Shape.of(x.dim(0), groups, 2));
        backend.norm()
                .groupNorm(
                        null, stats.storage(), x.storage(), normWeight.storage(), normBias.storage(),
                        GroupNormOp.shape(x, groups), eps, true);
        backend.conv()
                .normSiluConv2d(
                        y.storage(), x.storage(),
                        new ConvKernels.Norm(stats.storage(), normWeight.storage(), normBias.storage(), groups),
                        w.storage(), Shapes.storageOrNull(bias), Shapes.storageOrNull(residual), s);
        return y;
    }
}
