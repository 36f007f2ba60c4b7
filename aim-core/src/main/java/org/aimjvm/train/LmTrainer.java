package org.aimjvm.train;

import org.aimjvm.checkpoint.ModelInfo;
import org.aimjvm.data.CodeSource;
import org.aimjvm.model.AimModel;

/**
 * Stage 2: trains the sequence model to predict the codes of pictures, one after another, from their class (arXiv
 * 2408.12245, section 3). Loss: the mean cross-entropy of all codes.
 */
public final class LmTrainer extends Trainer {

    /** As the other constructor, for one worker, with checkpoints that know classes and position rule. */
    public LmTrainer(
            AimModel model,
            CodeSource train,
            CodeSource validation,
            LmOptions options,
            RunOptions run,
            TrainListener listener) {
        this(model, train, validation, options, null, run, Workers.ALONE, listener);
    }

    /**
     * @param model trained in place: a new one, or one read to be trained, see
     *     {@link org.aimjvm.checkpoint.ModelFolder#readModel}
     * @param train codes to train on
     * @param validation codes to validate on, or {@code null}: the held-out part of {@code train}
     * @param info what checkpoints keep beside the weights; {@code null} for no more than classes and position rule
     * @param workers this worker's place among those that train together
     * @throws IllegalArgumentException if the model's vocabulary, length or classes do not fit the codes, or it was
     *     loaded to generate with
     */
    public LmTrainer(
            AimModel model,
            CodeSource train,
            CodeSource validation,
            LmOptions options,
            ModelInfo info,
            RunOptions run,
            Workers workers,
            TrainListener listener) {
        super(new LmTask(model, train, validation, options, info), options.recipe(), run, workers, listener);
    }
}
