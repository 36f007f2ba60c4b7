package org.aimjvm.cuda;

import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * How products of F32 matrices (linear layers, convolutions) are computed. Sums are F32 in each.
 */
public enum MatmulPrecision {
    /** F32 products by the ordinary cores: the bits do not depend on the batch. */
    F32,
    /**
     * Each operand as the sum of two bf16 numbers, three products on tensor cores: relative error of a product about 2^-16,
     * several times faster than {@link #F32} on large matrices.
     */
    BF16X3,
    /** Operands rounded to the 10 bits of tf32. */
    TF32,
    /** Operands rounded to the 7 bits of bf16: what mixed-precision training means. */
    BF16;

    /** System property naming the one that is used: {@code f32}, {@code bf16x3}, {@code tf32}, {@code bf16}. */
    public static final String PROPERTY = "aim.cuda.matmul";

    /**
     * The one that the system property {@value #PROPERTY} names, {@link #F32} without it.
     *
     * @throws IllegalArgumentException if there is none of that name
     */
    static MatmulPrecision chosen() {
        String name = System.getProperty(PROPERTY);
        if (name == null) {
            return F32;
        }
        return Stream.of(values())
                .filter(p -> p.toString().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(PROPERTY + ": " + name + ", expected one of "
                        + Stream.of(values()).map(MatmulPrecision::toString).collect(Collectors.joining(", "))));
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
