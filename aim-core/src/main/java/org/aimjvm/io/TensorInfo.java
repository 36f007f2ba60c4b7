package org.aimjvm.io;

import java.util.Objects;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;

/**
 * The entry of one tensor in a checkpoint.
 *
 * @param name full name, e.g. {@code mamba.backbone.layers.3.mixer.in_proj.weight}
 * @param dtype stored element type
 * @param shape sizes, outermost first; empty for a scalar
 */
public record TensorInfo(String name, DType dtype, Shape shape) {
    public TensorInfo {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(dtype, "dtype");
        Objects.requireNonNull(shape, "shape");
    }

    /** Bytes of the elements as stored. */
    public long bytes() {
        return (long) shape.size() * dtype.bytes();
    }

    /** This tensor under another name. */
    TensorInfo named(String other) {
        return new TensorInfo(other, dtype, shape);
    }
}
