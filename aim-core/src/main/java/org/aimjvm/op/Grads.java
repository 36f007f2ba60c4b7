package org.aimjvm.op;

import org.aimjvm.tensor.Storage;
import org.aimjvm.tensor.Tensor;

/** Gradients that a closure allocates only where they are wanted; kernels take {@code null} for the others. */
final class Grads {
    private Grads() {}

    /** An unwritten tensor shaped like {@code x} if it wants a gradient, else {@code null}. */
    static Tensor emptyFor(Tensor x) {
        return x != null && x.needsGrad() ? Tensor.empty(x.backend(), x.shape()) : null;
    }

    /** The memory of {@code t}, {@code null} for {@code null}. */
    static Storage storage(Tensor t) {
        return t == null ? null : t.storage();
    }
}
