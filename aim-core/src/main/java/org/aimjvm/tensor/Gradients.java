package org.aimjvm.tensor;

import java.util.Map;

/** Gradients of one scalar with respect to the parameters it depends on. Owned by the scope of the backward pass. */
public final class Gradients {
    private final Map<Tensor, Tensor> byLeaf;

    Gradients(Map<Tensor, Tensor> byLeaf) {
        this.byLeaf = byLeaf;
    }

    /** Whether the scalar depends on {@code parameter}. */
    public boolean contains(Tensor parameter) {
        return byLeaf.containsKey(parameter);
    }

    /**
     * The gradient with respect to {@code parameter}, of its shape.
     *
     * @throws IllegalArgumentException if the scalar does not depend on it
     */
    public Tensor of(Tensor parameter) {
        Tensor g = byLeaf.get(parameter);
        if (g == null) {
            throw new IllegalArgumentException(
                    "gradient: the loss does not depend on this tensor of shape " + parameter.shape());
        }
        return g;
    }
}
