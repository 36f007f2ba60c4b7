package org.aimjvm.nn;

import org.aimjvm.backend.Shape;
import org.aimjvm.op.gemm.LinearOp;
import org.aimjvm.tensor.Tensor;

/** {@code y = x W^T + b}; tensors {@code weight} (out, in) and, unless switched off, {@code bias} (out). */
public final class Linear {
    private final Tensor weight;
    private final Tensor bias;

    /** With weights uniform in +-1/sqrt(in) and a zero bias. */
    public Linear(Params params, int in, int out, boolean bias) {
        this(params, in, out, bias, Init.fanIn(in));
    }

    public Linear(Params params, int in, int out, boolean bias, Init weightInit) {
        this(params, in, out, weightInit, bias ? Init.zeros() : null);
    }

    /** @param biasInit {@code null} for no bias */
    public Linear(Params params, int in, int out, Init weightInit, Init biasInit) {
        this.weight = params.matrix("weight", Shape.of(out, in), weightInit);
        this.bias = biasInit == null ? null : params.get("bias", Shape.of(out), biasInit);
    }

    /** x (..., in) to (..., out). */
    public Tensor forward(Tensor x) {
        return LinearOp.linear(x, weight, bias);
    }

    /** (out, in). */
    public Tensor weight() {
        return weight;
    }

    /** (out), or {@code null}. */
    public Tensor bias() {
        return bias;
    }
}
