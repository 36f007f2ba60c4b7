package org.aimjvm.train;

import org.aimjvm.data.PictureSource;
import org.aimjvm.feature.Classifier;

/** Trains the {@link Classifier} by cross-entropy. */
public final class ClassifierTrainer extends Trainer {

    /**
     * @param model trained in place
     * @param validation pictures to validate on, or {@code null} for none
     * @throws IllegalArgumentException if the pictures do not fit the model
     */
    public ClassifierTrainer(
            Classifier model,
            PictureSource train,
            PictureSource validation,
            TrainRecipe recipe,
            RunOptions run,
            TrainListener listener) {
        super(new ClassifierTask(model, train, validation, recipe), recipe, run, listener);
    }
}
