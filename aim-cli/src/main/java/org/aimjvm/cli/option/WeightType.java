package org.aimjvm.cli.option;

import java.util.Locale;
import org.aimjvm.backend.DType;

/** Element types that weights are written in. */
public enum WeightType {
    F32(DType.F32), BF16(DType.BF16), F16(DType.F16);

    private final DType dtype;

    WeightType(DType dtype) {
        this.dtype = dtype;
    }

    public DType dtype() {
        return dtype;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
