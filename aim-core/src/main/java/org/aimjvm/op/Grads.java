package org.aimjvm.op;

import org.aimjvm.backend.Storage;
import org.aimjvm.tensor.Tensor;

/** Gradients that a closure allocates only where they are wanted; kernels take {@code null} for the others. */
public final class Grads {
    private Grads() {}

    /** An unwritten tensor shaped like {@code x} if it wants a gradient, else {@code null}. */
    public static Tensor emptyFor(Tensor x) {
        return x != null && x.needsGrad() ? Tensor.empty(x.backend(), x.shape()) : null;
    }

    /** The memory of {@code t}, {@code null} for {@code null}. */
    public static Storage storage(Tensor t) {
        return t == null ? null : t.storage();
    }
}
