package org.aimjvm.nn;

import org.aimjvm.tensor.Tensor;

/** Sees intermediate activations of a forward pass by name; for verification and for research. */
@FunctionalInterface
public interface Trace {
    /** Sees nothing. */
    Trace OFF = (name, value) -> {};

    /**
     * Called once for each named activation, in the order of computation.
     *
     * @param value owned by the pass: copy what is to be kept
     */
    void see(String name, Tensor value);
}
