package org.aimjvm.train;

import org.aimjvm.data.PictureSource;
import org.aimjvm.vq.VqModel;

/**
 * Stage 1: trains the tokenizer to reconstruct pictures through its codebook. Loss: reconstruction + codebook + commitment +
 * entropy (if the configuration has one), the golden data's README, section 7, without the adversarial and perceptual terms.
 */
public final class VqTrainer extends Trainer {

    /**
     * @param model trained in place
     * @param train pictures to train on
     * @param validation pictures to validate on, or {@code null} for none
     * @throws IllegalArgumentException if channels or sides of the pictures do not fit the model
     */
    public VqTrainer(
            VqModel model,
            PictureSource train,
            PictureSource validation,
            VqOptions options,
            RunOptions run,
            TrainListener listener) {
        super(new VqTask(model, train, validation, options), options.recipe(), run, listener);
    }
}
