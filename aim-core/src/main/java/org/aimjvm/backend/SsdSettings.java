package org.aimjvm.backend;

/**
 * Sizes and limits of a Mamba-2 state-space recurrence (SSD) that do not depend on what goes through it.
 *
 * @param heads H
 * @param headDim P, channels of a head
 * @param groups G, a divisor of heads; head h uses B and C of group {@code h / (H / G)}
 * @param dState N
 * @param dtMin lower limit of the step after softplus, 0 for none
 * @param dtMax upper limit of the step after softplus, {@link Float#POSITIVE_INFINITY} for none
 */
public record SsdSettings(int heads, int headDim, int groups, int dState, float dtMin, float dtMax) {

    /** @throws IllegalArgumentException if a size is not positive, groups do not divide heads, or limits are crossed */
    public SsdSettings {
        if (heads < 1 || headDim < 1 || groups < 1 || dState < 1 || heads % groups != 0) {
            throw new IllegalArgumentException("ssdScan: heads " + heads + ", headDim " + headDim + ", groups " + groups
                    + ", dState " + dState + " (expected positive sizes and groups a divisor of heads)");
        }
        if (!(dtMin >= 0 && dtMin <= dtMax)) {
            throw new IllegalArgumentException(
                    "ssdScan: dt limits [" + dtMin + ", " + dtMax + "] (expected 0 <= min <= max)");
        }
    }

    /** Settings without limits on the step. */
    public static SsdSettings unlimited(int heads, int headDim, int groups, int dState) {
        return new SsdSettings(heads, headDim, groups, dState, 0f, Float.POSITIVE_INFINITY);
    }
}
