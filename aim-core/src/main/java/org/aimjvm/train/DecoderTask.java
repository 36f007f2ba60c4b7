package org.aimjvm.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.checkpoint.ModelInfo;
import org.aimjvm.checkpoint.ModelWriter;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqModel;
import org.aimjvm.vq.VqRole;

/** The part of the loop of a decoder that is trained alone: codes that are given, and the pictures they stand for. */
final class DecoderTask implements TrainTask<DecoderTask.Batch> {
    private record Settings(
            String reconstruction, PerceptualTerm.Settings perceptual, AdversarialOptions adversarial, Object config) {}

    /**
     * Pairs of a pass.
     *
     * @param codes those of picture after picture
     */
    record Batch(PictureBatch pictures, int[] codes) {}

    private final VqModel model;
    private final CodePairs train;
    private final VqOptions options;
    private final ModelInfo info;
    private final Adversary adversary; // null: none
    private final PictureLosses losses;
    private final DecoderValidation validation;
    private Tensor made; // the latest pictures of the decoder, for the discriminator

    /** @param validation {@code null} for none */
    DecoderTask(VqModel model, CodePairs train, CodePairs validation, VqOptions options, ModelInfo info) {
        this.model = model;
        this.train = train;
        this.options = options;
        this.info = info;
        train.requireFit(model.config());
        if (validation != null) {
            validation.requireFit(model.config());
        }
        for (String name : model.params().trainable().keySet()) {
            if (!(model.params().role(name) instanceof VqRole r) || r.part().encodes()) {
                throw new IllegalArgumentException(
                        "freeze: " + name + " would be trained (expected encoder and codebook"
                                + " frozen: the codes are given)");
            }
        }
        if (!options.codebook().equals(CodebookOptions.DEFAULT)) {
            throw new IllegalArgumentException("codebook: " + options.codebook()
                    + " (expected the default: a decoder's training moves no codes)");
        }
        this.adversary = Adversary.of(options, model, train.pictures());
        this.losses = new PictureLosses(model, options, adversary);
        this.validation = new DecoderValidation(model, validation, losses, options.recipe());
    }

    @Override
    public String stage() {
        return "decoder";
    }

    @Override
    public Object settings() {
        return new Settings(
                options.reconstruction().name(),
                options.perceptual() == null ? null : options.perceptual().settings(), options.adversarial(),
                model.config());
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
        return train.size();
    }

    @Override
    public int[] labels() {
        return train.pictures().labels();
    }

    @Override
    public List<Player<Batch>> players() {
        List<Player<Batch>> players = new ArrayList<>();
        players.add(Player.of(DecoderTrainer.DECODER, model.params(), options.recipe(), this::loss));
        if (adversary != null) {
            players.add(adversary.player(options.recipe(), this::discriminatorLoss));
        }
        return players;
    }

    @Override
    public List<String> partNames() {
        List<String> names = new ArrayList<>(List.of("reconstruction"));
        names.addAll(losses.names());
        return names;
    }

    @Override
    public List<String> measureNames() {
        return DecoderValidation.NAMES;
    }

    @Override
    public Batch read(MicroBatch rows) {
        return new Batch(
                PictureBatch.read(train.pictures(), options.recipe().seed(), rows), train.codes(rows.examples()));
    }

    private Player.Loss loss(MicroBatch rows, Batch batch) {
        int[] grid = {train.codes().info().gridHeight(), train.codes().info().gridWidth()};
        Tensor codes = Tensor.ofInts(model.backend(), Shape.of(batch.codes().length), batch.codes());
        made = model.decode(codes, rows.size(), grid[0], grid[1]);
        Map<String, Double> parts = new LinkedHashMap<>();
        Tensor likeness = losses.likeness(made, batch.pictures().pixels(model.backend()), rows, parts);
        return new Player.Loss(losses.withAdversary(likeness, likeness, made, rows, parts), parts);
    }

    private Player.Loss discriminatorLoss(MicroBatch rows, Batch batch) {
        return adversary.loss(rows, batch.pictures().pixels(model.backend()), made);
    }

    @Override
    public void afterStep(AfterStep step) {
        made = null;
        if (adversary != null) {
            adversary.afterStep(step);
        }
    }

    @Override
    public boolean isHealthy() {
        return adversary == null || adversary.isHealthy();
    }

    @Override
    public Map<String, Double> validate(int most) {
        return validation.measure(most);
    }

    @Override
    public void writeModel(Path folder) {
        ModelWriter.write(folder, null, model.config(), info, model.params().all(), DType.F32);
    }

    @Override
    public boolean saveState(SafeTensorsWriter file) {
        if (adversary == null) {
            return false;
        }
        adversary.save(file);
        return true;
    }

    @Override
    public void loadState(TensorSource file) {
        adversary.load(file);
    }
}
