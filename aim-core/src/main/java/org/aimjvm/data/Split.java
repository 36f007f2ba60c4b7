package org.aimjvm.data;

/** Which pictures of a set are held out, and which of many are used: a pure function of the seed. */
public final class Split {
    private Split() {}

    /** All indices in an order of their own for splitting, so that classes are mixed. */
    public static int[] order(int size, long seed) {
        return EpochSampler.shuffle(size, Draws.bits(seed, Draws.Purpose.SPLIT, 0, 0), 0);
    }

    /** {@code most}, or all if that is 0 or too many. */
    public static int limit(int all, int most) {
        return most == 0 ? all : Math.min(all, most);
    }
}
