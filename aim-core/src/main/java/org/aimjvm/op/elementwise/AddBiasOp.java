package org.aimjvm.op.elementwise;

import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** The same vector added to every row. */
public final class AddBiasOp {
    private AddBiasOp() {}

    /**
     * {@code y[r] = x[r] + bias}.
     *
     * @param x (..., dim)
     * @param bias (dim)
     * @return (..., dim)
     */
    public static Tensor addBias(Tensor x, Tensor bias) {
        int cols = x.dim(-1);
        int rows = x.shape().rows();
        Shapes.expect("addBias", "bias", bias, cols);
        Tensor y = Tensor.empty(x.backend(), x.shape());
        x.backend().elementwise().addBias(y.storage(), x.storage(), bias.storage(), rows, cols);
        return Autograd.tape(
                y,
                dY -> {
                    Tensor dBias = null;
                    if (bias.needsGrad()) {
                        dBias = Tensor.empty(x.backend(), bias.shape());
                        x.backend().elementwise().sumRows(dBias.storage(), dY.storage(), rows, cols);
                    }
                    return new Tensor[] {dY, dBias};
                },
                x,
                bias);
    }
}
