package org.aimjvm.op.norm;

import static org.aimjvm.op.Shapes.gradientFor;
import static org.aimjvm.op.Shapes.storageOrNull;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** Root mean square normalisation (Zhang and Sennrich 2019). */
public final class RmsNormOp {
    private RmsNormOp() {}

    /**
     * {@code y = x / sqrt(mean(x^2) + eps) * weight} over the last dimension.
     *
     * @param x (..., dim)
     * @param weight (dim)
     * @return (..., dim)
     */
    public static Tensor rmsNorm(Tensor x, Tensor weight, float eps) {
        Shapes.expect("rmsNorm", "weight", weight, x.dim(-1));
        Backend backend = x.backend();
        int rows = x.shape().rows();
        int cols = x.dim(-1);
        Tensor y = Tensor.empty(backend, x.shape());
        Tensor invRms = Tensor.empty(backend, Shape.of(rows));
        backend.norm().rmsNorm(y.storage(), invRms.storage(), x.storage(), weight.storage(), rows, cols, eps);
        return Autograd.tape(
                y,
                dY -> {
                    Tensor dX = gradientFor(x);
                    Tensor dWeight = gradientFor(weight);
                    backend.norm()
                            .rmsNormBackward(
                                    storageOrNull(dX), storageOrNull(dWeight), dY.storage(), x.storage(),
                                    weight.storage(),
                                    invRms.storage(), rows, cols);
                    return new Tensor[] {dX, dWeight};
                },
                x,
                weight);
    }
}
