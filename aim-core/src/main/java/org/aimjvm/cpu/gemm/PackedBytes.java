package org.aimjvm.cpu.gemm;

import static jdk.incubator.vector.VectorOperators.B2F;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;
import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.I;
import static org.aimjvm.cpu.simd.Simd.LANES;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;
import org.aimjvm.cpu.simd.Simd;

/**
 * Bytes widened to vectors of {@link Simd#F}. There is no vector of four bytes: with 128 bits half of eight is taken.
 */
final class PackedBytes {
    /** Bytes after the last one in use that {@link #signed} and {@link #unsigned} may read. */
    static final int SLACK = 8;

    private static final VectorSpecies<Byte> B = LANES == 16 ? ByteVector.SPECIES_128 : ByteVector.SPECIES_64;
    private static final boolean HALVES = LANES == 4;

    private PackedBytes() {}

    /** Bytes {@code [at + g LANES, at + (g + 1) LANES)}, -128 to 127. */
    static FloatVector signed(byte[] bytes, int at, int g) {
        return HALVES
                ? (FloatVector) ByteVector.fromArray(B, bytes, at + g / 2 * 8).convertShape(B2F, F, g % 2)
                : (FloatVector) ByteVector.fromArray(B, bytes, at + g * LANES).convertShape(B2F, F, 0);
    }

    /** Bytes {@code [at + g LANES, at + (g + 1) LANES)}, 0 to 255. */
    static IntVector unsigned(byte[] bytes, int at, int g) {
        return HALVES
                ? (IntVector) ByteVector.fromArray(B, bytes, at + g / 2 * 8).convertShape(ZERO_EXTEND_B2I, I, g % 2)
                : (IntVector) ByteVector.fromArray(B, bytes, at + g * LANES).convertShape(ZERO_EXTEND_B2I, I, 0);
    }
}
