package org.aimjvm.op.elementwise;

import org.aimjvm.backend.ElementwiseKernels.Unary;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** Functions of one variable, element by element. */
public final class PointwiseOp {
    private PointwiseOp() {}

    /** {@code x * sigmoid(x)}. */
    public static Tensor silu(Tensor x) {
        return apply(Unary.SILU, x);
    }

    /** {@code 1 / (1 + e^-x)}. */
    public static Tensor sigmoid(Tensor x) {
        return apply(Unary.SIGMOID, x);
    }

    /** {@code log(1 + e^x)}, the identity for x &gt; 20. */
    public static Tensor softplus(Tensor x) {
        return apply(Unary.SOFTPLUS, x);
    }

    /** {@code e^x}. */
    public static Tensor exp(Tensor x) {
        return apply(Unary.EXP, x);
    }

    /** The natural logarithm of x. */
    public static Tensor log(Tensor x) {
        return apply(Unary.LOG, x);
    }

    /** {@code max(x, 0)}. */
    public static Tensor relu(Tensor x) {
        return apply(Unary.RELU, x);
    }

    /**
     * {@code x > 0 ? x : slope x} (Maas et al. 2013); the derivative at 0 is {@code slope}.
     *
     * @param slope usually 0.2 in discriminators
     */
    public static Tensor leakyRelu(Tensor x, float slope) {
        Tensor y = Tensor.empty(x.backend(), x.shape());
        x.backend().elementwise().leakyRelu(y.storage(), x.storage(), slope, x.size());
        return Autograd.tape(
                y,
                dY -> {
                    Tensor dX = Tensor.empty(x.backend(), x.shape());
                    x.backend().elementwise().leakyReluBackward(
                            dX.storage(), dY.storage(), x.storage(), slope, x.size());
                    return new Tensor[] {dX};
                },
                x);
    }

    /** {@code |x|}. */
    public static Tensor abs(Tensor x) {
        return apply(Unary.ABS, x);
    }

    /** {@code x^2}. */
    public static Tensor square(Tensor x) {
        return apply(Unary.SQUARE, x);
    }

    private static Tensor apply(Unary f, Tensor x) {
        Tensor y = Tensor.empty(x.backend(), x.shape());
        x.backend().elementwise().unary(f, y.storage(), x.storage(), x.size());
        return Autograd.tape(
                y,
                dY -> {
                    Tensor dX = Tensor.empty(x.backend(), x.shape());
                    x.backend().elementwise().unaryBackward(f, dX.storage(), dY.storage(), x.storage(), x.size());
                    return new Tensor[] {dX};
                },
                x);
    }
}
