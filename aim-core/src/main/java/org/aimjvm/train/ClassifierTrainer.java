package org.aimjvm.train;

import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.data.PictureSource;
import org.aimjvm.feature.Classifier;

/** Trains the {@link Classifier} by cross-entropy. */
public final class ClassifierTrainer extends Trainer {

    /** As the other constructor, with checkpoints that do not say how the classifier was made. */
    public ClassifierTrainer(
            Classifier model,
            PictureSource train,
            PictureSource validation,
            TrainRecipe recipe,
            RunOptions run,
            TrainListener listener) {
        this(model, train, validation, recipe, Recipe.NONE, run, listener);
    }

    /**
     * @param model trained in place
     * @param validation pictures to validate on, or {@code null} for none
     * @param history how the classifier is made; kept in checkpoints
     * @throws IllegalArgumentException if the pictures do not fit the model
     */
    public ClassifierTrainer(
            Classifier model,
            PictureSource train,
            PictureSource validation,
            TrainRecipe recipe,
            Recipe history,
            RunOptions run,
            TrainListener listener) {
        super(new ClassifierTask(model, train, validation, recipe, history), recipe, run, listener);
    }
}
