package org.aimjvm.op.norm;

import static org.aimjvm.op.Shapes.gradientFor;
import static org.aimjvm.op.Shapes.storageOrNull;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.NormKernels.Gradients;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** Layer normalisation (Ba, Kiros and Hinton 2016). */
public final class LayerNormOp {
    private LayerNormOp() {}

    /**
     * {@code y = (x - mean) / sqrt(var + eps) * weight + bias} over the last dimension, with the biased variance.
     *
     * @param x (..., dim)
     * @param weight (dim)
     * @param bias (dim)
     * @return (..., dim)
     */
    public static Tensor layerNorm(Tensor x, Tensor weight, Tensor bias, float eps) {
        Shapes.expect("layerNorm", "weight", weight, x.dim(-1));
        Shapes.expect("layerNorm", "bias", bias, x.dim(-1));
        Backend backend = x.backend();
        int rows = x.shape().rows();
        int cols = x.dim(-1);
        Tensor y = Tensor.empty(backend, x.shape());
        Tensor stats = Tensor.empty(backend, Shape.of(rows, 2));
        backend.norm()
                .layerNorm(
                        y.storage(), stats.storage(), x.storage(), weight.storage(), bias.storage(), rows, cols, eps);
        return Autograd.tape(
                y,
                dY -> {
                    Tensor dX = gradientFor(x);
                    Tensor dWeight = gradientFor(weight);
                    Tensor dBias = gradientFor(bias);
                    backend.norm()
                            .layerNormBackward(
                                    new Gradients(storageOrNull(dX), storageOrNull(dWeight), storageOrNull(dBias)),
                                    dY.storage(), x.storage(), weight.storage(), stats.storage(), rows, cols);
                    return new Tensor[] {dX, dWeight, dBias};
                },
                x,
                weight,
                bias);
    }
}
