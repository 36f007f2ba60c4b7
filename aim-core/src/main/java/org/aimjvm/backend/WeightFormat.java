package org.aimjvm.backend;

import java.util.Locale;

/**
 * How the weight matrices of linear layers and the word embedding are held while a model generates. Everything else
 * (activations, norms, convolutions, the tokenizer; states unless {@link StateFormat} says otherwise) is F32 in any
 * case, and so are all products and sums.
 */
public enum WeightFormat {
    /** 32-bit floats; of a safetensors file in that type the mapped file itself, without a copy. */
    F32(32),
    /** The upper half of a 32-bit float, rounded to nearest even. */
    BF16(16),
    /** 8-bit integers times an F32 scale for each row (output): {@code w = q s}, {@code s = max |w| / 127}. */
    INT8(8),
    /**
     * 4-bit integers times a scale for each 32 neighbours of a row: {@code w = (q - 8) s}, q from 0 to 15, s a BF16
     * number. A matrix whose rows are no multiple of 32 stays in {@link #BF16}.
     */
    INT4(4);

    /** Elements of a row that share a scale in {@link #INT4}. */
    public static final int BLOCK = 32;

    private final int bits;

    WeightFormat(int bits) {
        this.bits = bits;
    }

    /** Bits of an element, without scales. */
    public int bits() {
        return bits;
    }

    /** Whether a matrix with rows of {@code in} elements can be held so; if not it is held in {@link #BF16}. */
    public boolean fits(int in) {
        return this != INT4 || in % BLOCK == 0;
    }

    /** The name that users type: {@code f32}, {@code bf16}, {@code int8}, {@code int4}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
