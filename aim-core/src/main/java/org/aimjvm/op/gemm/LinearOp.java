package org.aimjvm.op.gemm;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.GemmShape;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** The linear layer, {@code y = x W^T + b}. */
public final class LinearOp {
    private LinearOp() {}

    /**
     * {@code y = x W^T + b}.
     *
     * @param x (..., in)
     * @param w (out, in), the layout of checkpoints
     * @param bias (out), or {@code null}
     * @return (..., out)
     * @throws IllegalStateException if a gradient is wanted and the weights are frozen
     */
    public static Tensor linear(Tensor x, Tensor w, Tensor bias) {
        Shapes.expectRank("linear", "weight", w, 2);
        int out = w.dim(0);
        int in = w.dim(1);
        Shapes.check(x.shape().rank() >= 1 && x.dim(-1) == in, "linear", "x of shape " + x.shape() + ", expected (..., "
                + in
                + ") for weight " + w.shape());
        if (bias != null) {
            Shapes.expect("linear", "bias", bias, out);
        }
        if (w.storage().isFrozen() && Autograd.isTaped(x, bias)) {
            throw new IllegalStateException(
                    "linear: a gradient through weights that are only read (expected a model loaded"
                            + " for training, not for inference)");
        }
        Backend backend = x.backend();
        int rows = x.shape().rows();
        Tensor y = Tensor.empty(backend, x.shape().withLast(out));
        backend.gemm().linear(y.storage(), x.storage(), w.storage(), rows, out, in);
        if (bias != null) {
            backend.elementwise().addBias(y.storage(), y.storage(), bias.storage(), rows, out);
        }
        return Autograd.tape(
                y,
                dY -> {
                    Tensor dX = null;
                    Tensor dW = null;
                    Tensor dBias = null;
                    if (x.needsGrad()) {
                        dX = Tensor.empty(backend, x.shape()); // dY W
                        backend.gemm().gemm(dX.storage(), dY.storage(), w.storage(), GemmShape.of(rows, in, out),
                                false);
                    }
                    if (w.needsGrad()) {
                        dW = Tensor.empty(backend, w.shape()); // dY^T x
                        backend.gemm().gemm(dW.storage(), dY.storage(), x.storage(),
                                GemmShape.transposedA(out, in, rows), false);
                    }
                    if (bias != null && bias.needsGrad()) {
                        dBias = Tensor.empty(backend, bias.shape());
                        backend.elementwise().sumRows(dBias.storage(), dY.storage(), rows, out);
                    }
                    return new Tensor[] {dX, dW, dBias};
                },
                x,
                w,
                bias);
    }
}
