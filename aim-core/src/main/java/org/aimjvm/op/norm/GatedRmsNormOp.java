package org.aimjvm.op.norm;

import static org.aimjvm.op.Shapes.gradientFor;
import static org.aimjvm.op.Shapes.storageOrNull;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.NormKernels.GatedGradients;
import org.aimjvm.backend.NormKernels.GatedShape;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** The norm between Mamba-2's scan and its output projection (Dao and Gu 2024, section 7.2). */
public final class GatedRmsNormOp {
    private GatedRmsNormOp() {}

    /**
     * {@code y = rmsnorm(x * silu(z)) * weight}, or {@code rmsnorm(x) * weight * silu(z)} with {@code normBeforeGate},
     * over each of {@code groups} runs of neighbouring elements of the last dimension.
     *
     * @param x (..., dim)
     * @param z (..., dim)
     * @param weight (dim)
     * @param groups a divisor of dim
     * @return (..., dim)
     */
    public static Tensor gatedRmsNorm(
            Tensor x, Tensor z, Tensor weight, int groups, boolean normBeforeGate, float eps) {
        int rows = x.shape().rows();
        int cols = x.dim(-1);
        Shapes.expect("gatedRmsNorm", "z", z, x.shape());
        Shapes.expect("gatedRmsNorm", "weight", weight, cols);
        Shapes.check(
                groups >= 1 && cols % groups == 0, "gatedRmsNorm", "groups " + groups + " (expected a divisor of "
                        + cols + ")");
        GatedShape s = new GatedShape(rows, cols, groups, normBeforeGate);
        Backend backend = x.backend();
        Tensor y = Tensor.empty(backend, x.shape());
        Tensor invRms = Tensor.empty(backend, Shape.of(rows, groups));
        backend.norm()
                .gatedRmsNorm(
                        y.storage(), invRms.storage(), x.storage(), z.storage(), weight.storage(), s, eps);
        return Autograd.tape(
                y,
                dY -> {
                    Tensor dX = gradientFor(x);
                    Tensor dZ = gradientFor(z);
                    Tensor dWeight = gradientFor(weight);
                    backend.norm()
                            .gatedRmsNormBackward(
                                    new GatedGradients(storageOrNull(dX), storageOrNull(dZ), storageOrNull(dWeight)),
                                    dY.storage(), x.storage(), z.storage(), weight.storage(), invRms.storage(), s);
                    return new Tensor[] {dX, dZ, dWeight};
                },
                x,
                z,
                weight);
    }
}
