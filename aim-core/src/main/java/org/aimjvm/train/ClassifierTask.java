package org.aimjvm.train;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.data.PictureSource;
import org.aimjvm.feature.Accuracy;
import org.aimjvm.feature.Classifier;
import org.aimjvm.feature.ClassifierFolder;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.op.softmax.CrossEntropyOp;
import org.aimjvm.tensor.Tensor;

/** The classifier's part of the loop. */
final class ClassifierTask implements TrainTask<PictureBatch> {
    private final Classifier model;
    private final PictureSource train;
    private final PictureSource validation;
    private final TrainRecipe recipe;
    private final Recipe history;

    /** @param history how the classifier was made */
    ClassifierTask(
            Classifier model, PictureSource train, PictureSource validation, TrainRecipe recipe, Recipe history) {
        this.model = model;
        this.train = train;
        this.validation = validation;
        this.recipe = recipe;
        this.history = history;
        model.requireFit(train);
        if (validation != null) {
            model.requireFit(validation);
        }
    }

    @Override
    public String stage() {
        return "classifier";
    }

    @Override
    public Object settings() {
        return model.config();
    }

    @Override
    public String data() {
        return train.fingerprint();
    }

    @Override
    public int size() {
        return train.size();
    }

    @Override
    public int[] labels() {
        return train.labels();
    }

    @Override
    public List<Player<PictureBatch>> players() {
        return List.of(Player.of("classifier", model.params(), recipe, this::loss));
    }

    @Override
    public List<String> partNames() {
        return List.of("accuracy");
    }

    @Override
    public List<String> measureNames() {
        return List.of("accuracy");
    }

    @Override
    public PictureBatch read(MicroBatch rows) {
        return PictureBatch.read(train, recipe.seed(), rows);
    }

    private Player.Loss loss(MicroBatch rows, PictureBatch batch) {
        int[] labels = batch.labels();
        Tensor logits = model.logits(model.features(batch.pixels(model.backend())));
        Tensor loss = ReduceOp.mean(CrossEntropyOp.crossEntropy(logits, batch.labels(model.backend())));
        int[] guesses = Classifier.argmax(logits.toFloats(), model.config().classes());
        int right = 0;
        for (int i = 0; i < labels.length; i++) {
            right += guesses[i] == labels[i] ? 1 : 0;
        }
        return new Player.Loss(loss, Map.of("accuracy", (double) right / labels.length));
    }

    @Override
    public Map<String, Double> validate(int most) {
        if (validation == null) {
            return Map.of();
        }
        return Map.of("accuracy", Accuracy.of(model, validation, recipe.microBatch(), most).total());
    }

    @Override
    public void writeModel(Path folder) {
        ClassifierFolder.write(folder, model, train.classNames(), history);
    }
}
