package org.aimjvm.nn;

import org.aimjvm.backend.Shape;
import org.aimjvm.op.norm.LayerNormOp;
import org.aimjvm.op.norm.NormedSum;
import org.aimjvm.op.norm.ResidualNormOp;
import org.aimjvm.op.norm.RmsNormOp;
import org.aimjvm.tensor.Tensor;

/** RMSNorm ({@code weight}) or LayerNorm ({@code weight}, {@code bias}) over the last dimension, eps 1e-5. */
public final class Norm {
    private static final float EPS = 1e-5f;

    private final Tensor weight;
    private final Tensor bias;

    private Norm(Tensor weight, Tensor bias) {
        this.weight = weight;
        this.bias = bias;
    }

    /** {@code x / sqrt(mean(x^2) + eps) * weight}. */
    public static Norm rms(Params params, int dim) {
        return new Norm(params.get("weight", Shape.of(dim), Init.ones()), null);
    }

    /** {@code (x - mean) / sqrt(var + eps) * weight + bias}. */
    public static Norm layer(Params params, int dim) {
        return new Norm(
                params.get("weight", Shape.of(dim), Init.ones()), params.get("bias", Shape.of(dim), Init.zeros()));
    }

    /**
     * Adds a branch to the residual stream and normalises the sum, see {@link ResidualNormOp}.
     *
     * @param gate {@code null} for 1
     * @param residual {@code null} for 0
     * @param shift {@code null} without modulation
     */
    public NormedSum add(Tensor branch, Tensor gate, Tensor residual, Tensor shift, Tensor scale) {
        return bias == null
                ? ResidualNormOp.rmsNorm(branch, gate, residual, weight, EPS, shift, scale)
                : ResidualNormOp.layerNorm(branch, gate, residual, weight, bias, EPS, shift, scale);
    }

    /** x (..., dim) to (..., dim). */
    public Tensor forward(Tensor x) {
        return bias == null ? RmsNormOp.rmsNorm(x, weight, EPS) : LayerNormOp.layerNorm(x, weight, bias, EPS);
    }
}
