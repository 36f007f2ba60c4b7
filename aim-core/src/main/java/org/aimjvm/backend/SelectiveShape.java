package org.aimjvm.backend;

/**
 * Sizes of one call of Mamba-1's selective scan.
 *
 * @param batch sequences
 * @param length elements of each sequence, L
 * @param channels of x
 * @param dState N, elements of the state of a channel
 */
public record SelectiveShape(int batch, int length, int channels, int dState) {

    /** @throws IllegalArgumentException if a size is negative, or N is not positive */
    public SelectiveShape {
        if (batch < 0 || length < 0 || channels < 0 || dState < 1) {
            throw new IllegalArgumentException("selectiveScan: batch " + batch + ", length " + length + ", channels "
                    + channels + ", dState " + dState + " (expected 0 or more, dState 1 or more)");
        }
    }

    /** Elements of all sequences: batch * L. */
    public int rows() {
        return batch * length;
    }
}
