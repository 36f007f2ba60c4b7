package org.aimjvm.op.elementwise;

import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** Sums, differences and products of tensors of equal shape, and affine maps with constants. */
public final class ArithmeticOp {
    private ArithmeticOp() {}

    /** {@code a + b}. */
    public static Tensor add(Tensor a, Tensor b) {
        Shapes.expect("add", "b", b, a.shape());
        Tensor y = Tensor.empty(a.backend(), a.shape());
        a.backend().elementwise().add(y.storage(), a.storage(), b.storage(), a.size());
        return Autograd.tape(y, dY -> new Tensor[] {dY, dY}, a, b);
    }

    /** {@code a - b}. */
    public static Tensor sub(Tensor a, Tensor b) {
        Shapes.expect("sub", "b", b, a.shape());
        Tensor y = Tensor.empty(a.backend(), a.shape());
        a.backend().elementwise().sub(y.storage(), a.storage(), b.storage(), a.size());
        return Autograd.tape(y, dY -> new Tensor[] {dY, b.needsGrad() ? affineOf(dY, -1, 0) : null}, a, b);
    }

    /** {@code a * b}, element by element. */
    public static Tensor mul(Tensor a, Tensor b) {
        Shapes.expect("mul", "b", b, a.shape());
        Tensor y = product(a, b);
        return Autograd.tape(
                y,
                dY -> new Tensor[] {a.needsGrad() ? product(dY, b) : null, b.needsGrad() ? product(dY, a) : null},
                a,
                b);
    }

    /** {@code alpha * x}. */
    public static Tensor scale(Tensor x, float alpha) {
        return affine(x, alpha, 0);
    }

    /** {@code alpha * x + beta}. */
    public static Tensor affine(Tensor x, float alpha, float beta) {
        return Autograd.tape(affineOf(x, alpha, beta), dY -> new Tensor[] {affineOf(dY, alpha, 0)}, x);
    }

    private static Tensor product(Tensor a, Tensor b) {
        Tensor y = Tensor.empty(a.backend(), a.shape());
        a.backend().elementwise().mul(y.storage(), a.storage(), b.storage(), a.size());
        return y;
    }

    private static Tensor affineOf(Tensor x, float alpha, float beta) {
        Tensor y = Tensor.empty(x.backend(), x.shape());
        x.backend().elementwise().affine(y.storage(), x.storage(), alpha, beta, x.size());
        return y;
    }
}
