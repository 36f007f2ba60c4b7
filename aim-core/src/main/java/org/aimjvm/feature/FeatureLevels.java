package org.aimjvm.feature;

import java.util.List;
import org.aimjvm.tensor.Tensor;

/** A network whose activations at several depths describe pictures. */
public interface FeatureLevels {
    /**
     * The activations, from fine to coarse.
     *
     * @param pictures (batch, channels, height, width) in [-1, 1]
     * @return each (batch, C, H, W) with sizes of its own
     */
    List<Tensor> levels(Tensor pictures);

    /** Channels of each level. */
    List<Integer> widths();

    /**
     * Fails unless pictures of this size can be described.
     *
     * @throws IllegalArgumentException naming what is expected
     */
    void requireFit(int channels, int height, int width);
}
