package org.aimjvm.data;

import static org.aimjvm.backend.SplitMix64.mix;

import org.aimjvm.backend.SplitMix64;

/** Random numbers as pure functions of a seed, a purpose and a position, so that no generator state has to be saved. */
public final class Draws {
    /** What a number is drawn for; different purposes never share numbers. */
    public enum Purpose {
        SHUFFLE, LABEL_DROPOUT, DROPOUT, AUGMENT, REVIVE, SPLIT, DISCRIMINATOR, BALANCE, CROP, REGENERATE
    }

    private Draws() {}

    /** 64 random bits for {@code (seed, purpose, a, b)}: {@link SplitMix64} applied in a chain. */
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
}
