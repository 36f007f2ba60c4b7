package org.aimjvm.train;

import org.aimjvm.checkpoint.ModelInfo;
import org.aimjvm.data.PictureSource;
import org.aimjvm.vq.VqModel;

/**
 * Stage 1: trains the tokenizer to reconstruct pictures through its codebook. Loss: reconstruction + codebook +
 * commitment + entropy (if the configuration has one), the golden data's README, section 7, without the adversarial and
 * perceptual terms.
 */
public final class VqTrainer extends Trainer {
    /** Name of the player that is the tokenizer. */
    public static final String TOKENIZER = "tokenizer";
    /** Name of the player that is the discriminator, if there is one. */
    public static final String DISCRIMINATOR = "discriminator";

    /** As the other constructor, for one worker, with checkpoints that know the classes. */
    public VqTrainer(
            VqModel model,
            PictureSource train,
            PictureSource validation,
            VqOptions options,
            RunOptions run,
            TrainListener listener) {
        this(model, train, validation, options, null, run, Workers.ALONE, listener);
    }

    /**
     * @param model trained in place
     * @param train pictures to train on
     * @param validation pictures to validate on, or {@code null} for none
     * @param info what checkpoints keep beside the weights; {@code null} for no more than the classes
     * @param workers this worker's place among those that train together
     * @throws IllegalArgumentException if channels or sides of the pictures do not fit the model
     */
    public VqTrainer(
            VqModel model,
            PictureSource train,
            PictureSource validation,
            VqOptions options,
            ModelInfo info,
            RunOptions run,
            Workers workers,
            TrainListener listener) {
        super(new VqTask(model, train, validation, options, info), options.recipe(), run, workers, listener);
    }
}
