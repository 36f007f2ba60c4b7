package org.aimjvm.train;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.aimjvm.backend.Shape;
import org.aimjvm.data.Draws;
import org.aimjvm.data.PictureSource;
import org.aimjvm.data.Pictures;
import org.aimjvm.feature.Accuracy;
import org.aimjvm.feature.Classifier;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.nn.Params;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.op.softmax.CrossEntropyOp;
import org.aimjvm.optim.AdamW;
import org.aimjvm.optim.Ema;
import org.aimjvm.tensor.Tensor;
import tools.jackson.databind.json.JsonMapper;

/** The classifier's part of the loop. */
final class ClassifierTask implements TrainTask {
    private final Classifier model;
    private final Params params;
    private final PictureSource train;
    private final PictureSource validation;
    private final TrainRecipe recipe;

    ClassifierTask(
            Classifier model, Params params, PictureSource train, PictureSource validation, TrainRecipe recipe) {
        this.model = model;
        this.params = params;
        this.train = train;
        this.validation = validation;
        this.recipe = recipe;
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
    public Map<String, Tensor> params() {
        return params.trainable();
    }

    @Override
    public Map<String, Tensor> tensors() {
        return params.all();
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
    public Loss loss(int step, int[] pictures, int firstRow) {
        long[] draws = new long[pictures.length];
        Arrays.setAll(
                draws, i -> Draws.bits(recipe.seed(), Draws.Purpose.AUGMENT, step, firstRow + i) | 1);
        int[] labels = Arrays.stream(pictures).map(train::label).toArray();
        Tensor x = Pictures.batch(model.backend(), train, pictures, draws);
        Tensor logits = model.logits(model.features(x));
        Tensor targets = Tensor.ofInts(model.backend(), Shape.of(labels.length), labels);
        Tensor loss = ReduceOp.mean(CrossEntropyOp.crossEntropy(logits, targets));
        int[] guesses = Classifier.argmax(logits.toFloats(), model.config().classes());
        int right = 0;
        for (int i = 0; i < labels.length; i++) {
            right += guesses[i] == labels[i] ? 1 : 0;
        }
        return new Loss(loss, Map.of("accuracy", (double) right / labels.length));
    }

    @Override
    public void afterStep(int step, AdamW optimizer, Ema ema) {
        // nothing but the parameters changes
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
        String json = JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(model.config());
        ModelFiles.write(folder, params, Map.of());
        ModelFiles.writeText(folder.resolve(RunFolder.CONFIG), json + "\n");
    }

    @Override
    public boolean saveState(SafeTensorsWriter file) {
        return false;
    }

    @Override
    public void loadState(TensorSource file) {
        // nothing is saved
    }
}
