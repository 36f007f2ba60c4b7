package org.aimjvm.op.softmax;

import org.aimjvm.backend.Backend;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** Softmax over the last dimension. */
public final class SoftmaxOp {
    private SoftmaxOp() {}

    /**
     * {@code y[c] = exp(alpha x[c]) / sum over c of exp(alpha x[c])} over the last dimension.
     *
     * @param x (..., dim)
     * @param alpha scale of the scores, e.g. 1 / sqrt(headDim) or 1 / temperature
     * @return (..., dim)
     */
    public static Tensor softmax(Tensor x, float alpha) {
        Backend backend = x.backend();
        int rows = x.shape().rows();
        int cols = x.dim(-1);
        Tensor y = Tensor.empty(backend, x.shape());
        backend.softmax().softmax(y.storage(), x.storage(), alpha, rows, cols);
        return Autograd.tape(
                y,
                dY -> {
                    Tensor dX = Tensor.empty(backend, x.shape());
                    backend.softmax().softmaxBackward(dX.storage(), dY.storage(), y.storage(), alpha, rows, cols);
                    return new Tensor[] {dX};
                },
                x);
    }
}
