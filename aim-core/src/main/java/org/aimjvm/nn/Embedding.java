package org.aimjvm.nn;

import org.aimjvm.op.EmbeddingOp;
import org.aimjvm.tensor.Shape;
import org.aimjvm.tensor.Tensor;

/** A table {@code weight} (count, dim) read by id; starts as N(0, 0.02). */
public final class Embedding {
    private final Tensor weight;

    public Embedding(Params params, int count, int dim) {
        this.weight = params.get("weight", Shape.of(count, dim), Init.normal(0.02));
    }

    /** ids I32 (...) to (..., dim). */
    public Tensor forward(Tensor ids) {
        return EmbeddingOp.embedding(weight, ids);
    }

    /** (count, dim). */
    public Tensor weight() {
        return weight;
    }
}
