package org.aimjvm.backend;

/**
 * Sizes of one call of the causal depthwise convolution.
 *
 * @param batch sequences
 * @param length elements of each sequence, L
 * @param channels of input and output
 * @param width taps of a channel
 */
public record CausalConvShape(int batch, int length, int channels, int width) {

    /** @throws IllegalArgumentException if a size is negative, or there are no taps */
    public CausalConvShape {
        if (batch < 0 || length < 0 || channels < 0 || width < 1) {
            throw new IllegalArgumentException("causalConv1d: batch " + batch + ", length " + length + ", channels "
                    + channels + ", width " + width + " (expected 0 or more, width 1 or more)");
        }
    }

    /** Elements of all sequences: batch * L. */
    public int rows() {
        return batch * length;
    }
}
