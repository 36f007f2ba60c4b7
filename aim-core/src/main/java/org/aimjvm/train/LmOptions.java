package org.aimjvm.train;

import java.util.Objects;

/**
 * Settings of stage 2, next-code prediction.
 *
 * @param recipe what both stages share
 * @param labelDropout probability that a picture's label is replaced by the null class, once per picture and step, so
 *     that guidance has an unconditional model; the paper uses 0.1
 * @param heldOut pictures of the training set that are validated on instead of trained on, when there is no validation
 *     set
 * @param checkpointBlocks computes each block again in the backward pass instead of keeping what is inside it: the same
 *     numbers, less memory, more time
 * @param origin what the model began from, {@code null} if that was random weights
 */
public record LmOptions(
        TrainRecipe recipe, double labelDropout, int heldOut, boolean checkpointBlocks, Origin origin) {

    /** Of a model that begins from random weights. */
    public LmOptions(TrainRecipe recipe, double labelDropout, int heldOut, boolean checkpointBlocks) {
        this(recipe, labelDropout, heldOut, checkpointBlocks, null);
    }

    public LmOptions {
        Objects.requireNonNull(recipe, "recipe");
        if (!(labelDropout >= 0 && labelDropout <= 1)) {
            throw new IllegalArgumentException("labelDropout: " + labelDropout + " (expected 0 to 1)");
        }
        if (heldOut < 0) {
            throw new IllegalArgumentException("heldOut: " + heldOut + " (expected at least 0)");
        }
    }
}
