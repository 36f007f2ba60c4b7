package org.aimjvm.train;

import org.aimjvm.data.TokenDataset;
import org.aimjvm.model.AimModel;
import org.aimjvm.nn.Params;

/**
 * Stage 2: trains the sequence model to predict the codes of pictures, one after another, from their class (arXiv 2408.12245,
 * section 3). Loss: the mean cross-entropy of all codes.
 */
public final class LmTrainer extends Trainer {

    /**
     * @param model trained in place
     * @param params those the model was built on
     * @param train codes to train on
     * @param validation codes to validate on, or {@code null}: the held-out part of {@code train}
     * @throws IllegalArgumentException if the model's vocabulary, length or classes do not fit the codes
     */
    public LmTrainer(
            AimModel model,
            Params params,
            TokenDataset train,
            TokenDataset validation,
            LmOptions options,
            RunOptions run,
            TrainListener listener) {
        super(new LmTask(model, params, train, validation, options), options.recipe(), run, listener);
    }
}
