package org.aimjvm.op.elementwise;

import org.aimjvm.backend.Shape;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** Sums over all elements, accumulated in F64. */
public final class ReduceOp {
    private ReduceOp() {}

    /** Sum of all elements, a scalar. */
    public static Tensor sum(Tensor x) {
        return scaledSum(x, 1f);
    }

    /** Mean of all elements, a scalar. */
    public static Tensor mean(Tensor x) {
        Shapes.check(x.size() > 0, "mean", "no elements, expected at least one");
        return scaledSum(x, 1f / x.size());
    }

    private static Tensor scaledSum(Tensor x, float factor) {
        double sum = x.backend().elementwise().sum(x.storage(), x.size());
        Tensor y = Tensor.full(x.backend(), Shape.of(), (float) (sum * factor));
        return Autograd.tape(y, dY -> new Tensor[] {Tensor.full(x.backend(), x.shape(), dY.item() * factor)}, x);
    }
}
