package org.aimjvm.train;

import java.util.Objects;

/**
 * Settings of stage 1, the tokenizer.
 *
 * @param recipe what both stages share
 * @param reconstruction distance between picture and reconstruction
 * @param reviveAfter steps after which a code that no latent chose is moved onto a latent of the batch; 0 for never
 */
public record VqOptions(TrainRecipe recipe, Reconstruction reconstruction, int reviveAfter) {
    /** Distance between pictures, a mean over all pixels and channels. */
    public enum Reconstruction {
        /** Mean absolute difference. */
        L1,
        /** Mean squared difference. */
        L2
    }

    public VqOptions {
        Objects.requireNonNull(recipe, "recipe");
        Objects.requireNonNull(reconstruction, "reconstruction");
        if (reviveAfter < 0) {
            throw new IllegalArgumentException("reviveAfter: " + reviveAfter + " (expected at least 0)");
        }
    }
}
