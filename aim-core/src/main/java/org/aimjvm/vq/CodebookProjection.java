package org.aimjvm.vq;

import org.aimjvm.backend.Shape;
import org.aimjvm.nn.Init;
import org.aimjvm.nn.Linear;
import org.aimjvm.nn.Params;
import org.aimjvm.tensor.Tensor;

/**
 * SimVQ (Zhu et al. 2024, arXiv 2411.02038): codes are {@code base W^T} with a frozen {@code base} (nEmbed, embedDim)
 * drawn from N(0, 1 / embedDim) and one learned {@code W}, so the gradient of any code moves all of them. For training
 * alone: the product is an ordinary codebook.
 */
public final class CodebookProjection {
    private final Params params;
    private final Tensor base;
    private final Linear linear;

    /** @param params gives {@code base} and {@code projection.weight} (embedDim, embedDim) */
    public CodebookProjection(Params params, VqConfig config) {
        this.params = params;
        this.base = params.buffer(
                "base", Shape.of(config.nEmbed(), config.embedDim()),
                Init.normal(1 / Math.sqrt(config.embedDim())));
        this.linear = new Linear(params.sub("projection"), config.embedDim(), config.embedDim(), false);
    }

    /** The tensors, of which the base is not trained. */
    public Params params() {
        return params;
    }

    /** The codes (nEmbed, embedDim), from which a gradient flows to the projection. */
    public Tensor codes() {
        return linear.forward(base);
    }
}
