package org.aimjvm.backend;

import static java.util.Objects.requireNonNull;

/**
 * Operands of the causal depthwise convolution, {@link SsmKernels#causalConv1d}; sizes are in {@link CausalConvShape}.
 */
public final class CausalConv1d {
    private CausalConv1d() {}

    /**
     * What a convolution reads. Not modified.
     *
     * @param x input
     * @param w taps, the oldest first
     * @param bias {@code null}: none
     * @param silu whether {@code silu} follows
     */
    public record Inputs(
            Storage x, // (batch, L, channels)
            Storage w, // (channels, width)
            Storage bias, // (channels)
            boolean silu) {

        /** @throws NullPointerException if one that is not optional is {@code null} */
        public Inputs {
            requireNonNull(x, "causalConv1d: x");
            requireNonNull(w, "causalConv1d: w");
        }
    }

    /**
     * What the gradient of a convolution writes: each is the gradient of the input of that name, with its shape; {@code
     * null}: not wanted.
     */
    public record Gradients(
            Storage dX, // (batch, L, channels)
            Storage dW, // (channels, width)
            Storage dBias) {} // (channels)
}
