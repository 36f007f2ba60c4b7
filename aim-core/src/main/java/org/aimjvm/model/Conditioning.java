package org.aimjvm.model;

import java.util.List;
import org.aimjvm.tensor.Tensor;

/**
 * The condition of a pass, all it needs of the labels: constant over a picture, so computed once for it.
 *
 * @param classElement c, the label embeddings: element 0 of each sequence, (batch, dModel)
 * @param blocks for each block its modulation
 * @param finalShift (batch, dModel)
 * @param finalScale (batch, dModel)
 */
public record Conditioning(Tensor classElement, List<Modulation> blocks, Tensor finalShift, Tensor finalScale) {
    /** Number of sequences. */
    public int batch() {
        return classElement.dim(0);
    }
}
