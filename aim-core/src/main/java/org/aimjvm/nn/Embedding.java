package org.aimjvm.nn;

import org.aimjvm.backend.Shape;
import org.aimjvm.op.index.EmbeddingOp;
import org.aimjvm.tensor.Tensor;

/** A table {@code weight} (count, dim) read by id; starts as N(0, 0.02). */
public final class Embedding {
    /** Name of its tensor, below the layer's. */
    public static final String WEIGHT = "weight";

    private final Tensor weight;

    private Embedding(Tensor weight) {
        this.weight = weight;
    }

    /** A table that is only looked up in. */
    public static Embedding table(Params params, int count, int dim) {
        return new Embedding(params.get(WEIGHT, Shape.of(count, dim), Init.normal(0.02)));
    }

    /** A table that is the weight of a linear layer too, and held as such. */
    public static Embedding matrix(Params params, int count, int dim) {
        return new Embedding(params.matrix(WEIGHT, Shape.of(count, dim), Init.normal(0.02)));
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
