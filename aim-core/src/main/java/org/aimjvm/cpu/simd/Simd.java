package org.aimjvm.cpu.simd;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.aimjvm.cpu.memory.Warmth;

/**
 * The vector shape of this JVM, chosen once: the widest the CPU runs well, or the one of the system property {@value
 * #BITS_PROPERTY} (128, 256 or 512). Species are {@code static final} so that the compiler sees constants.
 */
public final class Simd {
    /** System property that overrides the vector width in bits. */
    static final String BITS_PROPERTY = "aim.simd.bits";

    /**
     * What is wrong with the property, or {@code null}; {@link org.aimjvm.cpu.VectorBackendProvider} refuses to open
     * then.
     */
    public static final String PROBLEM = problem();

    public static final VectorSpecies<Float> F = chooseSpecies();
    public static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, F.vectorShape());
    /** Float lanes of a vector. */
    public static final int LANES = F.length();
    /**
     * Outputs of a panel of frozen weights: four vectors, which with two rows of x make the eight independent sums that
     * hide latency.
     */
    public static final int PANEL = 4 * LANES;

    private Simd() {}

    /** The last place below {@code end} where a vector may start; below all places while plain loops are to do all. */
    public static int lastVector(int end) {
        return Warmth.isCold() ? Integer.MIN_VALUE : end - LANES;
    }

    private static VectorSpecies<Float> chooseSpecies() {
        String bits = System.getProperty(BITS_PROPERTY);
        if (bits == null) {
            return FloatVector.SPECIES_PREFERRED;
        }
        return switch (bits) {
            case "128" -> FloatVector.SPECIES_128;
            case "256" -> FloatVector.SPECIES_256;
            case "512" -> FloatVector.SPECIES_512;
            default -> FloatVector.SPECIES_PREFERRED; // PROBLEM says so
        };
    }

    private static String problem() {
        String bits = System.getProperty(BITS_PROPERTY);
        return bits == null || bits.matches("128|256|512")
                ? null
                : BITS_PROPERTY + ": " + bits + " (expected 128, 256 or 512)";
    }
}
