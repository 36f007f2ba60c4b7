package org.aimjvm.backend;

/**
 * Sizes of one call of a Mamba-2 state-space recurrence (SSD).
 *
 * @param batch sequences
 * @param length elements of each sequence, L
 * @param settings what all calls of a recurrence have in common; its sizes and limits are repeated here as methods
 * @param perChannelD whether D is (H, P) instead of (H)
 */
public record SsdShape(int batch, int length, SsdSettings settings, boolean perChannelD) {

    /** @throws IllegalArgumentException if batch or length are negative */
    public SsdShape {
        if (batch < 0 || length < 0) {
            throw new IllegalArgumentException(
                    "ssdScan: batch " + batch + ", length " + length + " (expected 0 or more)");
        }
    }

    /** H. */
    public int heads() {
        return settings.heads();
    }

    /** P. */
    public int headDim() {
        return settings.headDim();
    }

    /** G. */
    public int groups() {
        return settings.groups();
    }

    /** N. */
    public int dState() {
        return settings.dState();
    }

    /** Lower limit of the step after softplus. */
    public float dtMin() {
        return settings.dtMin();
    }

    /** Upper limit of the step after softplus. */
    public float dtMax() {
        return settings.dtMax();
    }

    /** Channels of x: H * P. */
    public int innerDim() {
        return heads() * headDim();
    }

    /** Columns of the packed [x | B | C]: H * P + 2 * G * N. */
    public int xbcDim() {
        return innerDim() + 2 * groups() * dState();
    }

    /** Shape of the state: (batch, H, P, N). */
    public Shape stateShape() {
        return Shape.of(batch, heads(), headDim(), dState());
    }

    /** Where B of head {@code h} starts in a row of xbc; its C follows {@code G * N} later. */
    public int bOffset(int h) {
        return innerDim() + h / (heads() / groups()) * dState();
    }
}
