package org.aimjvm.op.elementwise;

import org.aimjvm.backend.Shape;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** Exchange of the last two dimensions. */
public final class TransposeOp {
    private TransposeOp() {}

    /** {@code y[b, j, i] = x[b, i, j]}; x is (batch, rows, cols), the result (batch, cols, rows). */
    public static Tensor transpose(Tensor x) {
        Shapes.expectRank("transpose", "x", x, 3);
        return Autograd.tape(transposed(x), dY -> new Tensor[] {transposed(dY)}, x);
    }

    private static Tensor transposed(Tensor x) {
        Tensor y = Tensor.empty(x.backend(), Shape.of(x.dim(0), x.dim(2), x.dim(1)));
        x.backend().index().transpose(y.storage(), x.storage(), x.dim(0), x.dim(1), x.dim(2));
        return y;
    }
}
