package org.aimjvm.train;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.aimjvm.backend.Shape;
import org.aimjvm.checkpoint.AimConfigJson;
import org.aimjvm.data.Draws;
import org.aimjvm.data.Split;
import org.aimjvm.data.TokenDataset;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.nn.Dropout;
import org.aimjvm.optim.AdamW;
import org.aimjvm.optim.Ema;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Stage 2's part of the loop: batches of codes, label dropout, cross-entropy. */
final class LmTask implements TrainTask {
    private record Settings(double labelDropout, int heldOut, String positions, String config) {}

    /** Said in the metadata of files with tied embeddings, as the published ones do. */
    private static final String HEAD = "mamba.lm_head.weight";

    private static final String WORDS = "mamba.backbone.embeddings.word_embeddings.weight";

    private final AimModel model;
    private final TokenDataset train;
    private final TokenDataset validation;
    private final LmOptions options;
    private final int[] trainRows;
    private final int[] validationRows;

    LmTask(AimModel model, TokenDataset train, TokenDataset validation, LmOptions options) {
        this.model = model;
        model.params().requireTrainable("model");
        this.train = train;
        this.options = options;
        requireFit(model.config(), train);
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

    private static void requireFit(AimConfig config, TokenDataset codes) {
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
    public String data() {
        return train.fingerprint();
    }

    @Override
    public int size() {
        return trainRows.length;
    }

    @Override
    public Map<String, Tensor> params() {
        return model.params().trainable();
    }

    @Override
    public Map<String, Tensor> tensors() {
        return model.params().all();
    }

    @Override
    public List<String> partNames() {
        return List.of();
    }

    @Override
    public List<String> measureNames() {
        return List.of("loss");
    }

    @Override
    public Loss loss(int step, int[] pictures, int firstRow) {
        long seed = options.recipe().seed();
        int[] rows = Arrays.stream(pictures).map(i -> trainRows[i]).toArray();
        int[] labels = Arrays.stream(rows).map(train::label).toArray();
        for (int i = 0; i < labels.length; i++) {
            if (Draws.uniform(seed, Draws.Purpose.LABEL_DROPOUT, step, firstRow + i) < options.labelDropout()) {
                labels[i] = model.config().nullClass();
            }
        }
        Dropout dropout = Dropout.seeded(Draws.bits(seed, Draws.Purpose.DROPOUT, step, firstRow));
        return new Loss(crossEntropy(train, rows, labels, dropout), Map.of());
    }

    /** Mean over pictures and positions of the cross-entropy of the next code. */
    private Tensor crossEntropy(TokenDataset set, int[] rows, int[] labels, Dropout dropout) {
        int batch = rows.length;
        int length = set.length();
        int[] codes = new int[batch * length];
        int[] inputs = new int[batch * (length - 1)];
        for (int i = 0; i < batch; i++) {
            set.read(rows[i], codes, i * length);
            System.arraycopy(codes, i * length, inputs, i * (length - 1), length - 1);
        }
        Tensor targets = Tensor.ofInts(model.backend(), Shape.of(batch, length), codes);
        Tensor tokens = length == 1 ? null : Tensor.ofInts(model.backend(), Shape.of(batch, length - 1), inputs);
        Tensor y = Tensor.ofInts(model.backend(), Shape.of(batch), labels);
        return model.loss(model.condition(y), tokens, targets, dropout, options.checkpointBlocks());
    }

    @Override
    public void afterStep(int step, AdamW optimizer, Ema ema) {
        // nothing but the parameters changes
    }

    /** {@code loss}: mean cross-entropy under the true labels. */
    @Override
    public Map<String, Double> validate(int most) {
        int count = Split.limit(validationRows.length, most);
        if (count == 0) {
            return Map.of();
        }
        double sum = 0;
        int batch = options.recipe().microBatch();
        for (int from = 0; from < count; from += batch) {
            int[] rows = Arrays.copyOfRange(validationRows, from, Math.min(count, from + batch));
            try (Scope _ = Scope.inference()) {
                int[] labels = Arrays.stream(rows).map(validation::label).toArray();
                sum += (double) crossEntropy(validation, rows, labels, Dropout.OFF).item() * rows.length;
            }
        }
        return Map.of("loss", sum / count);
    }

    @Override
    public void writeModel(Path folder) {
        Map<String, String> tied = model.config().tieEmbeddings() ? Map.of(HEAD, WORDS) : Map.of();
        ModelFiles.write(folder, model.params(), tied);
        ModelFiles.writeText(folder.resolve(RunFolder.CONFIG), AimConfigJson.toJson(model.config()));
        ObjectNode info = JsonMapper.shared().createObjectNode();
        train.info().classNames().forEach(info.putArray("classes")::add);
        info.put("position_rule", model.positions().name().toLowerCase(Locale.ROOT));
        ModelFiles.writeText(folder.resolve(RunFolder.INFO), info.toPrettyString() + "\n");
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
