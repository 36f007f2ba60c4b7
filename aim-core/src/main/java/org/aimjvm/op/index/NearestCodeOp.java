package org.aimjvm.op.index;

import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Tensor;

/** Vector quantisation: the index of the nearest codebook entry. */
public final class NearestCodeOp {
    private NearestCodeOp() {}

    /**
     * {@code codes[i] = argmin over n of |z[i] - codebook[n]|^2}. Has no gradient: the caller passes gradients straight
     * through.
     *
     * @param z (rows, dim)
     * @param codebook (entries, dim)
     * @return I32 (rows)
     */
    public static Tensor nearestCode(Tensor z, Tensor codebook) {
        Shapes.expectRank("nearestCode", "z", z, 2);
        Shapes.expectRank("nearestCode", "codebook", codebook, 2);
        Shapes.expect("nearestCode", "z", z, z.dim(0), codebook.dim(1));
        Tensor codes = Tensor.empty(z.backend(), DType.I32, Shape.of(z.dim(0)));
        z.backend()
                .index()
                .nearestCode(codes.storage(), z.storage(), codebook.storage(), z.dim(0), codebook.dim(0), codebook.dim(
                        1));
        return codes;
    }
}
