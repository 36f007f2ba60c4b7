package org.aimjvm.backend;

/**
 * The generator SplitMix64 (Steele, Lea and Flood 2014) as a function: random bits of a number, so that no generator
 * state has to be kept.
 */
public final class SplitMix64 {
    /** What the state grows by from one number to the next: odd, near 2^64 divided by the golden ratio. */
    public static final long GAMMA = 0x9e3779b97f4a7c15L;

    private SplitMix64() {}

    /** The 64 bits that a generator in state {@code x} gives next. */
    public static long mix(long x) {
        long z = x + GAMMA;
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }
}
