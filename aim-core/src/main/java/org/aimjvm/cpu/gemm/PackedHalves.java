package org.aimjvm.cpu.gemm;

import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static org.aimjvm.cpu.simd.Simd.F;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * BF16 numbers, the upper halves of floats, two in an int: the vector at an index holds {@code 2 LANES} of them, and
 * its elements with even and with odd numbers become a vector of floats each. That takes a shift or a mask; widening
 * shorts in their order takes shuffles, and rounding them back more of these.
 */
public final class PackedHalves {
    private static final VectorSpecies<Short> S = VectorSpecies.of(short.class, F.vectorShape());
    private static final int HIGH = 0xffff0000;

    private PackedHalves() {}

    /** Elements {@code [at, at + 2 LANES)} for {@link #even} and {@link #odd}. */
    public static IntVector load(short[] halves, int at) {
        return ShortVector.fromArray(S, halves, at).reinterpretAsInts();
    }

    /** Elements at, at + 2, at + 4. */
    public static FloatVector even(IntVector pairs) {
        return pairs.lanewise(LSHL, 16).reinterpretAsFloats();
    }

    /** Elements at + 1, at + 3, at + 5. */
    public static FloatVector odd(IntVector pairs) {
        return pairs.and(HIGH).reinterpretAsFloats();
    }

    /**
     * Stores elements {@code [at, at + 2 LANES)}, rounded to nearest even. NaN stays NaN if its lower 16 bits are zero;
     * of others the carry could make a zero.
     */
    public static void store(FloatVector even, FloatVector odd, short[] halves, int at) {
        round(even).lanewise(LSHR, 16).or(round(odd).and(HIGH)).reinterpretAsShorts().intoArray(halves, at);
    }

    /** Bits whose upper half is the nearest BF16 number. */
    private static IntVector round(FloatVector v) {
        IntVector bits = v.reinterpretAsInts();
        return bits.add(0x7fff).add(bits.lanewise(LSHR, 16).and(1));
    }
}
