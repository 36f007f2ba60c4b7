package org.aimjvm.nn;

import org.aimjvm.op.elementwise.DropoutOp;
import org.aimjvm.tensor.Tensor;

/**
 * Randomness of one training pass. Every use draws the next mask, a function of the seed and the count of uses, so the
 * same seed gives the same pass. {@link #OFF} outside training.
 */
public final class Dropout {
    /** Drops nothing. */
    public static final Dropout OFF = new Dropout(0, false);

    private final long seed;
    private final boolean active;
    private int uses;

    private Dropout(long seed, boolean active) {
        this.seed = seed;
        this.active = active;
    }

    /** Drops, with masks that follow from {@code seed}. */
    public static Dropout seeded(long seed) {
        return new Dropout(seed, true);
    }

    /** Draws from here on the masks that this one will draw. */
    public Dropout copy() {
        Dropout copy = new Dropout(seed, active);
        copy.uses = uses;
        return copy;
    }

    /** {@code x} with elements dropped with probability {@code p}, or {@code x} itself if off or {@code p} is 0. */
    public Tensor apply(Tensor x, float p) {
        if (!active || p == 0) {
            return x;
        }
        return DropoutOp.dropout(x, p, seed + 0x632BE59BD9B4E019L * ++uses);
    }
}
