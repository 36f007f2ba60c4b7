package org.aimjvm.feature;

import org.aimjvm.tensor.Tensor;

/** How different two pictures look, by features instead of pixels. */
public interface PerceptualDistance {
    /**
     * The distance of each pair; a gradient flows to {@code pictures} and to nothing else.
     *
     * @param pictures (batch, channels, height, width) in [-1, 1]
     * @param targets as {@code pictures}
     * @return (batch), not negative
     */
    Tensor distance(Tensor pictures, Tensor targets);

    /** Names network and weights, so that two runs with the same name have the same distance. */
    String identity();

    /** @throws IllegalArgumentException if pictures of this size cannot be compared; names what is expected */
    void requireFit(int channels, int height, int width);
}
