package org.aimjvm.op.elementwise;

import static org.aimjvm.op.Shapes.gradientFor;
import static org.aimjvm.op.Shapes.storageOrNull;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.ElementwiseKernels.ModulateGradients;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** adaLN's two conditional maps (Peebles and Xie 2023, section 3.2): modulate and gate. */
public final class ModulateOp {
    private ModulateOp() {}

    /**
     * {@code y[b, l] = x[b, l] * (1 + scale[b]) + shift[b]}.
     *
     * @param x (batch, L, dim)
     * @param shift (batch, dim)
     * @param scale (batch, dim)
     * @return (batch, L, dim)
     */
    public static Tensor modulate(Tensor x, Tensor shift, Tensor scale) {
        Shapes.expectRank("modulate", "x", x, 3);
        int batch = x.dim(0);
        int length = x.dim(1);
        int dim = x.dim(2);
        Shapes.expect("modulate", "shift", shift, batch, dim);
        Shapes.expect("modulate", "scale", scale, batch, dim);
        Backend backend = x.backend();
        Tensor y = Tensor.empty(backend, x.shape());
        backend.elementwise()
                .modulate(y.storage(), x.storage(), shift.storage(), scale.storage(), batch, length, dim);
        return Autograd.tape(
                y,
                dY -> {
                    Tensor dX = gradientFor(x);
                    Tensor dShift = gradientFor(shift);
                    Tensor dScale = gradientFor(scale);
                    backend.elementwise()
                            .modulateBackward(
                                    new ModulateGradients(
                                            storageOrNull(dX), storageOrNull(dShift), storageOrNull(dScale)),
                                    dY.storage(), x.storage(), scale.storage(), batch, length, dim);
                    return new Tensor[] {dX, dShift, dScale};
                },
                x,
                shift,
                scale);
    }

    /**
     * {@code y[b, l] = x[b, l] * g[b]}.
     *
     * @param x (batch, L, dim)
     * @param g (batch, dim)
     * @return (batch, L, dim)
     */
    public static Tensor gate(Tensor x, Tensor g) {
        Shapes.expectRank("gate", "x", x, 3);
        int batch = x.dim(0);
        int length = x.dim(1);
        int dim = x.dim(2);
        Shapes.expect("gate", "g", g, batch, dim);
        Backend backend = x.backend();
        Tensor y = Tensor.empty(backend, x.shape());
        backend.elementwise().gate(y.storage(), x.storage(), g.storage(), batch, length, dim);
        return Autograd.tape(
                y,
                dY -> {
                    Tensor dX = gradientFor(x);
                    Tensor dG = gradientFor(g);
                    backend.elementwise()
                            .gateBackward(
                                    storageOrNull(dX), storageOrNull(dG), dY.storage(), x.storage(), g.storage(), batch,
                                    length,
                                    dim);
                    return new Tensor[] {dX, dG};
                },
                x,
                g);
    }

}
