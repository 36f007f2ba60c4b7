package org.aimjvm.op.norm;

import static org.aimjvm.op.Shapes.gradientFor;
import static org.aimjvm.op.Shapes.storageOrNull;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.NormKernels.ChannelShape;
import org.aimjvm.backend.NormKernels.Gradients;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** Batch normalisation of pictures (Ioffe and Szegedy 2015): statistics of each channel over all pictures. */
public final class BatchNormOp {
    private BatchNormOp() {}

    /**
     * Pictures normalised by their own statistics.
     *
     * @param y as x
     * @param mean (channels) of this batch; no gradient flows through it
     * @param variance (channels) of this batch, {@code mean of (x - mean)^2}; no gradient flows through it
     */
    public record Normed(Tensor y, Tensor mean, Tensor variance) {}

    /**
     * {@code y = (x - mean) / sqrt(variance + eps) * weight + bias} with the statistics of x itself, as in training. The
     * gradient flows through the statistics of y too.
     *
     * @param x (batch, channels, height, width)
     * @param weight (channels)
     * @param bias (channels)
     */
    public static Normed batchNorm(Tensor x, Tensor weight, Tensor bias, float eps) {
        ChannelShape s = shape(x, weight, bias);
        Backend backend = x.backend();
        Tensor mean = Tensor.empty(backend, Shape.of(s.channels()));
        Tensor variance = Tensor.empty(backend, Shape.of(s.channels()));
        backend.norm().channelMoments(mean.storage(), variance.storage(), x.storage(), s);
        return new Normed(normalize(x, weight, bias, mean, variance, eps, s, false), mean, variance);
    }

    /**
     * {@code y = (x - mean) / sqrt(variance + eps) * weight + bias} with given statistics, as in evaluation. They get no
     * gradient.
     *
     * @param x (batch, channels, height, width)
     * @param weight (channels)
     * @param bias (channels)
     * @param mean (channels)
     * @param variance (channels), not negative
     * @return as x
     */
    public static Tensor batchNorm(
            Tensor x, Tensor weight, Tensor bias, Tensor mean, Tensor variance, float eps) {
        ChannelShape s = shape(x, weight, bias);
        Shapes.expect("batchNorm", "mean", mean, s.channels());
        Shapes.expect("batchNorm", "variance", variance, s.channels());
        return normalize(x, weight, bias, mean, variance, eps, s, true);
    }

    private static Tensor normalize(
            Tensor x, Tensor weight, Tensor bias, Tensor mean, Tensor variance, float eps, ChannelShape s,
            boolean constant) {
        Backend backend = x.backend();
        Tensor y = Tensor.empty(backend, x.shape());
        backend.norm()
                .batchNorm(
                        y.storage(), x.storage(), weight.storage(), bias.storage(), mean.storage(),
                        variance.storage(), s, eps);
        return Autograd.tape(
                y,
                dY -> {
                    Tensor dX = gradientFor(x);
                    Tensor dWeight = gradientFor(weight);
                    Tensor dBias = gradientFor(bias);
                    backend.norm()
                            .batchNormBackward(
                                    new Gradients(storageOrNull(dX), storageOrNull(dWeight), storageOrNull(dBias)),
                                    dY.storage(), x.storage(), weight.storage(), mean.storage(), variance.storage(), s,
                                    eps, constant);
                    return new Tensor[] {dX, dWeight, dBias};
                },
                x,
                weight,
                bias);
    }

    private static ChannelShape shape(Tensor x, Tensor weight, Tensor bias) {
        Shapes.expectRank("batchNorm", "x", x, 4);
        Shapes.expect("batchNorm", "weight", weight, x.dim(1));
        Shapes.expect("batchNorm", "bias", bias, x.dim(1));
        return new ChannelShape(x.dim(0), x.dim(1), x.dim(2) * x.dim(3));
    }
}
