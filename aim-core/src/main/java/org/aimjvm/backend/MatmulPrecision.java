package org.aimjvm.backend;

import java.util.Locale;

/**
 * The precision of products of F32 matrices (linear layers, convolutions) on a device with matrix units. Sums are F32
 * in each, and on the CPU all products are {@link #F32}.
 */
public enum MatmulPrecision {
    /** F32 products by the ordinary cores. */
    F32,
    /**
     * Each operand as the sum of two bf16 numbers, three products on matrix units: relative error of a product about
     * 2^-16, several times faster than {@link #F32} on large matrices.
     */
    BF16X3,
    /** Operands rounded to the 10 bits of tf32. */
    TF32,
    /** Operands rounded to the 7 bits of bf16: what mixed-precision training means. */
    BF16;

    /** The name that users type: {@code f32}, {@code bf16x3}, {@code tf32}, {@code bf16}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
