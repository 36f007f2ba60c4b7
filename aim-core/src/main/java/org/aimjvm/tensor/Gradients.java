package org.aimjvm.tensor;

import java.util.Map;

/**
 * Gradients of one scalar with respect to the parameters it depends on, or to the tensors that were asked for. Owned by
 * the scope of the backward pass. Two tensors may have the same gradient in memory: not to be overwritten.
 */
public final class Gradients {
    private final Map<Tensor, Tensor> byTensor;

    Gradients(Map<Tensor, Tensor> byTensor) {
        this.byTensor = byTensor;
    }

    /** Whether there is a gradient with respect to {@code tensor}. */
    public boolean contains(Tensor tensor) {
        return byTensor.containsKey(tensor);
    }

    /**
     * The gradient with respect to {@code tensor}, of its shape.
     *
     * @throws IllegalArgumentException if the scalar does not depend on it, or it was not asked for
     */
    public Tensor of(Tensor tensor) {
        Tensor g = byTensor.get(tensor);
        if (g == null) {
            throw new IllegalArgumentException(
                    "gradient: the loss does not depend on this tensor of shape " + tensor.shape()
                            + ", or it was not asked for");
        }
        return g;
    }
}
