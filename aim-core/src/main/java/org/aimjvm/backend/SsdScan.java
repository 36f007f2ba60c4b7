package org.aimjvm.backend;

import static java.util.Objects.requireNonNull;

/** Operands of Mamba-2's recurrence, {@link SsmKernels#ssdScan}; sizes are in {@link SsdShape}. */
public final class SsdScan {
    private SsdScan() {}

    /**
     * What a scan reads. Not modified, but for a state that is the final state too.
     *
     * @param xbc packed [x | B | C]
     * @param dt raw steps, before bias, softplus and limits
     * @param dtBias added to the raw steps
     * @param aLog log(-A)
     * @param d skip, D; {@code null}: none
     * @param initialState state before the first element, F32 or BF16; {@code null}: zeros
     */
    public record Inputs(
            Storage xbc, // (batch, L, H*P + 2*G*N)
            Storage dt, // (batch, L, H)
            Storage dtBias, // (H)
            Storage aLog, // (H)
            Storage d, // (H), or (H, P) with perChannelD
            Storage initialState) { // (batch, H, P, N)

        /** @throws NullPointerException if one that is not optional is {@code null} */
        public Inputs {
            requireNonNull(xbc, "ssdScan: xbc");
            requireNonNull(dt, "ssdScan: dt");
            requireNonNull(dtBias, "ssdScan: dtBias");
            requireNonNull(aLog, "ssdScan: aLog");
        }
    }

    /**
     * What the gradient of a scan writes: each is the gradient of the input of that name, with its shape.
     *
     * @param dDt of the raw steps
     * @param dD {@code null} without D
     * @param dInitialState {@code null}: not wanted
     */
    public record Gradients(
            Storage dXbc, // (batch, L, H*P + 2*G*N)
            Storage dDt, // (batch, L, H)
            Storage dDtBias, // (H)
            Storage dALog, // (H)
            Storage dD, // (H), or (H, P) with perChannelD
            Storage dInitialState) { // (batch, H, P, N)

        /** @throws NullPointerException if one that is not optional is {@code null} */
        public Gradients {
            requireNonNull(dXbc, "ssdScan: dXbc");
            requireNonNull(dDt, "ssdScan: dDt");
            requireNonNull(dDtBias, "ssdScan: dDtBias");
            requireNonNull(dALog, "ssdScan: dALog");
        }
    }
}
