package org.aimjvm.backend;

import static java.util.Objects.requireNonNull;

/** Operands of Mamba-1's recurrence, {@link SsmKernels#selectiveScan}; sizes are in {@link SelectiveShape}. */
public final class SelectiveScan {
    private SelectiveScan() {}

    /**
     * What a scan reads. Not modified, but for a state that is the final state too.
     *
     * @param x input
     * @param delta raw steps, before bias and softplus
     * @param deltaBias added to the raw steps; {@code null}: nothing
     * @param aLog log(-A)
     * @param b B
     * @param c C
     * @param d skip, D; {@code null}: none
     * @param initialState state before the first element; {@code null}: zeros
     */
    public record Inputs(
            Storage x, // (batch, L, channels)
            Storage delta, // (batch, L, channels)
            Storage deltaBias, // (channels)
            Storage aLog, // (channels, N)
            Storage b, // (batch, L, N)
            Storage c, // (batch, L, N)
            Storage d, // (channels)
            Storage initialState) { // (batch, channels, N)

        /** @throws NullPointerException if one that is not optional is {@code null} */
        public Inputs {
            requireNonNull(x, "selectiveScan: x");
            requireNonNull(delta, "selectiveScan: delta");
            requireNonNull(aLog, "selectiveScan: aLog");
            requireNonNull(b, "selectiveScan: b");
            requireNonNull(c, "selectiveScan: c");
        }
    }

    /**
     * What the gradient of a scan writes: each is the gradient of the input of that name, with its shape; {@code null}:
     * not wanted.
     *
     * @param dDelta of the raw steps
     */
    public record Gradients(
            Storage dX, // (batch, L, channels)
            Storage dDelta, // (batch, L, channels)
            Storage dDeltaBias, // (channels)
            Storage dALog, // (channels, N)
            Storage dB, // (batch, L, N)
            Storage dC, // (batch, L, N)
            Storage dD, // (channels)
            Storage dInitialState) {} // (batch, channels, N)
}
