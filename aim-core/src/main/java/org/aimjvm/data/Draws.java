package org.aimjvm.data;

/** Random numbers as pure functions of a seed, a purpose and a position, so that no generator state has to be saved. */
public final class Draws {
    /** What a number is drawn for; different purposes never share numbers. */
    public enum Purpose {
        SHUFFLE, LABEL_DROPOUT, DROPOUT, AUGMENT, REVIVE, SPLIT
    }

    private Draws() {}

    /** 64 random bits for {@code (seed, purpose, a, b)}: the SplitMix64 finaliser (Steele et al. 2014) applied in a chain. */
    public static long bits(long seed, Purpose purpose, long a, long b) {
        return mix(mix(mix(mix(seed) + purpose.ordinal()) + a) + b);
    }

    /** A number in [0, 1) with 53 random bits. */
    public static double uniform(long seed, Purpose purpose, long a, long b) {
        return unit(bits(seed, purpose, a, b));
    }

    /** The upper 53 of {@code bits} as a number in [0, 1). */
    static double unit(long bits) {
        return (bits >>> 11) * 0x1.0p-53;
    }

    /** An integer in [0, bound) from {@code bits}; the bias of at most {@code bound / 2^53} does not matter here. */
    public static int below(long bits, int bound) {
        return (int) (unit(bits) * bound);
    }

    static long mix(long x) {
        long z = x + 0x9e3779b97f4a7c15L;
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }
}
