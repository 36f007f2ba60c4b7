package org.aimjvm.backend;

import java.util.Locale;

/**
 * The format of the states of Mamba-2's recurrence, (batch, H, P, N) per layer, between two calls while a model
 * generates. They are read and written once per token, so fewer bytes are less time. Arithmetic is F32 in either; so
 * are the windows of the convolution, the keys and values of attention and all of training.
 */
public enum StateFormat {
    /** 32-bit floats. */
    F32(DType.F32),
    /**
     * The upper half of a 32-bit float: the new state is rounded to nearest even when it is stored, and the outputs of
     * the call are those of the state before rounding. So a sequence processed in other parts differs by the rounding
     * between them.
     */
    BF16(DType.BF16);

    private final DType dtype;

    StateFormat(DType dtype) {
        this.dtype = dtype;
    }

    /** Type of the elements. */
    public DType dtype() {
        return dtype;
    }

    /** The name that users type: {@code f32}, {@code bf16}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
