package org.aimjvm.train;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.aimjvm.backend.DType;
import org.aimjvm.checkpoint.AimConfigJson;
import org.aimjvm.checkpoint.ModelWriter;
import org.aimjvm.checkpoint.ModelInfo;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.data.Draws;
import org.aimjvm.data.Split;
import org.aimjvm.data.CodeSource;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.nn.Dropout;

/** Stage 2's part of the loop: batches of codes, label dropout, cross-entropy. */
final class LmTask implements TrainTask<LmTask.Batch> {
    private record Settings(double labelDropout, int heldOut, String positions, String config) {}

    /**
     * Pictures of a pass.
     *
     * @param labels after label dropout
     * @param codes those of picture after picture
     */
    record Batch(int[] labels, int[] codes) {}

    private final AimModel model;
    private final CodeSource train;
    private final CodeSource validation;
    private final LmOptions options;
    private final ModelInfo info;
    private final int[] trainRows;
    private final int[] validationRows;

    /** @param info kept in checkpoints; {@code null} for no more than classes and position rule */
    LmTask(AimModel model, CodeSource train, CodeSource validation, LmOptions options, ModelInfo info) {
        this.model = model;
        this.train = train;
        this.options = options;
        this.info = info == null ? ModelInfo.of(train.info().classNames(), model.positions(), Recipe.NONE) : info;
        requireFit(model.config(), train);
        if (this.info.positions() != model.positions()) {
            throw new IllegalArgumentException("positions: " + this.info.positions() + " (expected the model's, "
                    + model.positions() + ")");
        }
        int heldOut = validation == null ? options.heldOut() : 0;
        if (heldOut >= train.size()) {
            throw new IllegalArgumentException(
                    "heldOut: " + heldOut + " (expected less than the " + train.size() + " pictures there are)");
        }
        int[] order = Split.order(train.size(), options.recipe().seed());
        this.trainRows = Arrays.copyOfRange(order, heldOut, order.length);
        if (validation == null) {
            this.validation = train;
            this.validationRows = Arrays.copyOf(order, heldOut);
        } else {
            requireFit(model.config(), validation);
            this.validation = validation;
            this.validationRows = Split.order(validation.size(), options.recipe().seed());
        }
        Arrays.sort(trainRows);
    }

    private static void requireFit(AimConfig config, CodeSource codes) {
        expect("vocab_size", config.vocabSize(), codes.info().vocab(), "the tokenizer's codes");
        expect("num_tokens", config.numTokens(), codes.length(), "the codes of a picture");
        expect("num_classes", config.numClasses(), codes.info().classNames().size(), "the classes of the data");
    }

    private static void expect(String name, int got, int expected, String what) {
        if (got != expected) {
            throw new IllegalArgumentException(name + ": " + got + " (expected " + expected + ", " + what + ")");
        }
    }

    @Override
    public String stage() {
        return "lm";
    }

    @Override
    public Object settings() {
        return new Settings(
                options.labelDropout(),
                options.heldOut(),
                model.positions().name(),
                AimConfigJson.toJson(model.config()));
    }

    @Override
    public Origin origin() {
        return options.origin();
    }

    @Override
    public String data() {
        return train.fingerprint();
    }

    @Override
    public int size() {
        return trainRows.length;
    }

    @Override
    public int[] labels() {
        return Arrays.stream(trainRows).map(train::label).toArray();
    }

    @Override
    public List<Player<Batch>> players() {
        return List.of(Player.of("model", model.params(), options.recipe(), this::loss));
    }

    @Override
    public List<String> measureNames() {
        return List.of("loss");
    }

    @Override
    public Batch read(MicroBatch rows) {
        long seed = options.recipe().seed();
        int[] labels = new int[rows.size()];
        int[] codes = new int[rows.size() * train.length()];
        for (int i = 0; i < labels.length; i++) {
            int row = trainRows[rows.examples()[i]];
            boolean dropped = Draws.uniform(
                    seed, Draws.Purpose.LABEL_DROPOUT, rows.step(), rows.firstRow() + i) < options.labelDropout();
            labels[i] = dropped ? model.config().nullClass() : train.label(row);
            int crop = Draws.below(
                    Draws.bits(seed, Draws.Purpose.CROP, rows.step(), rows.firstRow() + i), train.crops());
            train.read(row, crop, codes, i * train.length());
        }
        return new Batch(labels, codes);
    }

    private Player.Loss loss(MicroBatch rows, Batch batch) {
        Dropout dropout = Dropout.seeded(
                Draws.bits(options.recipe().seed(), Draws.Purpose.DROPOUT, rows.step(), rows.firstRow()));
        return new Player.Loss(
                NextCodeLoss.of(model, batch.labels(), batch.codes(), dropout, options.checkpointBlocks()), Map.of());
    }

    /** {@code loss}: mean cross-entropy under the true labels. */
    @Override
    public Map<String, Double> validate(int most) {
        int count = Split.limit(validationRows.length, most);
        if (count == 0) {
            return Map.of();
        }
        NextCodeLoss.Codes source = (picture, codes, offset) -> {
            validation.read(validationRows[picture], 0, codes, offset);
            return validation.label(validationRows[picture]);
        };
        return Map.of("loss", NextCodeLoss.mean(model, source, count, options.recipe().microBatch()));
    }

    @Override
    public void writeModel(Path folder) {
        ModelWriter.write(folder, model.config(), null, info, model.params().all(), DType.F32);
    }
}
