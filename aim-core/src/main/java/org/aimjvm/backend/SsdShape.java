package org.aimjvm.backend;

/**
 * Sizes of a Mamba-2 state-space recurrence (SSD).
 *
 * @param batch sequences
 * @param length elements of each sequence, L
 * @param heads H
 * @param headDim P, channels of a head
 * @param groups G; head h uses B and C of group {@code h / (H / G)}
 * @param dState N
 * @param dtMin lower limit of the step after softplus, 0 for none
 * @param dtMax upper limit of the step after softplus, {@link Float#POSITIVE_INFINITY} for none
 * @param perChannelD whether D is (H, P) instead of (H)
 */
public record SsdShape(
        int batch,
        int length,
        int heads,
        int headDim,
        int groups,
        int dState,
        float dtMin,
        float dtMax,
        boolean perChannelD) {

    /** @throws IllegalArgumentException if groups do not divide heads, a size is not positive, or limits are crossed */
    public SsdShape {
        if (batch < 0 || length < 0 || heads < 1 || headDim < 1 || groups < 1 || dState < 1 || heads % groups != 0) {
            throw new IllegalArgumentException("ssdScan: batch " + batch + ", length " + length + ", heads " + heads
                    + ", headDim " + headDim + ", groups " + groups + ", dState " + dState
                    + " (expected positive sizes and groups a divisor of heads)");
        }
        if (!(dtMin >= 0 && dtMin <= dtMax)) {
            throw new IllegalArgumentException("ssdScan: dt limits [" + dtMin + ", " + dtMax
                    + "] (expected 0 <= min <= max)");
        }
    }

    /** Channels of x: H * P. */
    public int innerDim() {
        return heads * headDim;
    }

    /** Columns of the packed [x | B | C]: H * P + 2 * G * N. */
    public int xbcDim() {
        return innerDim() + 2 * groups * dState;
    }

    /** Shape of the state: (batch, H, P, N). */
    public Shape stateShape() {
        return Shape.of(batch, heads, headDim, dState);
    }

    /** Where B of head {@code h} starts in a row of xbc; its C follows {@code G * N} later. */
    public int bOffset(int h) {
        return innerDim() + h / (heads / groups) * dState;
    }
}
