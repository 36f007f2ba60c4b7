package org.aimjvm.op.norm;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** Projection onto the unit sphere, as the quantiser does with latents and codes. */
public final class L2NormalizeOp {
    private L2NormalizeOp() {}

    /**
     * {@code y = x / max(|x|, eps)} over the last dimension.
     *
     * @param x (..., dim)
     * @return (..., dim)
     * @throws IllegalArgumentException unless {@code eps} is positive
     */
    public static Tensor l2Normalize(Tensor x, float eps) {
        Shapes.check(eps > 0, "l2Normalize", "eps " + eps + " (expected a positive number)");
        Backend backend = x.backend();
        int rows = x.shape().rows();
        int cols = x.dim(-1);
        Tensor y = Tensor.empty(backend, x.shape());
        Tensor invNorm = Tensor.empty(backend, Shape.of(rows));
        backend.norm().l2Normalize(y.storage(), invNorm.storage(), x.storage(), rows, cols, eps);
        return Autograd.tape(
                y,
                dY -> {
                    Tensor dX = Tensor.empty(backend, x.shape());
                    backend.norm()
                            .l2NormalizeBackward(
                                    dX.storage(), dY.storage(), y.storage(), invNorm.storage(), rows, cols, eps);
                    return new Tensor[] {dX};
                },
                x);
    }
}
