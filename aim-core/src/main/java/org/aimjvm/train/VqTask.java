package org.aimjvm.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aimjvm.backend.DType;
import org.aimjvm.checkpoint.ModelWriter;
import org.aimjvm.checkpoint.ModelInfo;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.data.CodeCounts;
import org.aimjvm.data.PictureSource;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Params;
import org.aimjvm.tensor.Scope;
import org.aimjvm.vq.Codebook;
import org.aimjvm.vq.CodebookProjection;
import org.aimjvm.vq.VqModel;

/** Stage 1's part of the loop: batches of pictures, the tokenizer and its discriminator, revival of unused codes. */
final class VqTask implements TrainTask<PictureBatch> {
    private static final String PLAYER = VqTrainer.TOKENIZER;
    private static final String PROJECTION = "codebook";

    private record Settings(
            String reconstruction, CodebookOptions codebook, PerceptualTerm.Settings perceptual,
            AdversarialOptions adversarial,
            Object config) {}

    private final VqModel model;
    private final PictureSource train;
    private final VqOptions options;
    private final ModelInfo info;
    private final VqLosses losses;
    private final CodeRevival codes;
    private final VqValidation validation;
    private final Adversary adversary; // null: none
    private final CodebookProjection projection; // null: the codes are trained themselves
    private VqLosses.Pass pass; // the latest of the tokenizer, for the discriminator

    /** @param info kept in checkpoints; {@code null} for no more than the classes */
    VqTask(VqModel model, PictureSource train, PictureSource validation, VqOptions options, ModelInfo info) {
        this.model = model;
        this.train = train;
        this.options = options;
        this.info = info == null ? ModelInfo.of(train.classNames(), PositionRule.SEQUENCE_INDEX, Recipe.NONE) : info;
        requireFit(train);
        if (validation != null) {
            requireFit(validation);
        }
        requireFit(options, model.codebook());
        TrainRecipe recipe = options.recipe();
        this.projection = options.codebook().projected()
                ? new CodebookProjection(
                        Params.random(model.backend(), recipe.seed()).sub("codebook"), model.config())
                : null;
        this.adversary = Adversary.of(options, model, train);
        this.losses = new VqLosses(model, options, projection, adversary);
        CodebookOptions moves = model.codebook().isFrozen() ? options.codebook().still() : options.codebook();
        this.codes = new CodeRevival(model.codebook(), PLAYER, moves, recipe.seed());
        this.validation = new VqValidation(model, validation, recipe);
    }

    private static void requireFit(VqOptions options, Codebook codebook) {
        if (codebook.isFrozen() && options.codebook().replacesStart()) {
            throw new IllegalArgumentException(
                    "codebook: frozen, but the run would begin with other codes (expected the start uniform and no"
                            + " projection)");
        }
        if (options.origin() != null && options.codebook().projected()) {
            throw new IllegalArgumentException("codebook: projected codes begin at random, but the run begins from "
                    + options.origin().name() + " (expected no projection, or no model to begin from)");
        }
    }

    private void requireFit(PictureSource pictures) {
        int channels = model.config().inChannels();
        if (pictures.channels() != channels || model.config().outChannels() != channels) {
            throw new IllegalArgumentException("in_channels, out_channels: " + channels + ", "
                    + model.config().outChannels() + " (expected " + pictures.channels() + ", the pictures' channels)");
        }
        int f = model.config().downsampling();
        if (pictures.height() % f != 0 || pictures.width() % f != 0) {
            throw new IllegalArgumentException("pictures: " + pictures.height() + " x " + pictures.width()
                    + " (expected multiples of " + f + ", the tokenizer's pixels per code)");
        }
    }

    @Override
    public String stage() {
        return "vq";
    }

    @Override
    public Object settings() {
        return new Settings(
                options.reconstruction().name(), options.codebook(),
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
        return train.labels();
    }

    @Override
    public List<Player<PictureBatch>> players() {
        Player<PictureBatch> tokenizer = Player.of(PLAYER, model.params(), options.recipe(), this::loss);
        List<Player<PictureBatch>> players = new ArrayList<>(List.of(tokenizer));
        if (projection != null) {
            players.add(Player.of(PROJECTION, projection.params(), options.recipe(), this::projectionLoss));
        }
        if (adversary != null) {
            players.add(adversary.player(options.recipe(), this::discriminatorLoss));
        }
        return players;
    }

    /** Terms of the loss; {@code usage}: share of the codebook in the window of recent codes. */
    @Override
    public List<String> partNames() {
        List<String> names = new ArrayList<>(losses.names());
        names.add("usage");
        names.add("perplexity");
        return names;
    }

    @Override
    public List<String> measureNames() {
        return VqValidation.NAMES;
    }

    @Override
    public PictureBatch read(MicroBatch rows) {
        return PictureBatch.read(train, options.recipe().seed(), rows);
    }

    /** Puts the codes where the run begins with them. */
    private void begin() {
        if (projection != null) {
            foldProjection();
        } else if (options.codebook().start() == CodebookOptions.Start.KMEANS) {
            new CodebookStart(model, train, options.recipe()).kmeans();
        }
    }

    /** Makes the tokenizer's codebook that which the projection gives. */
    private void foldProjection() {
        try (Scope _ = Scope.inference()) {
            model.codebook().weight().write(projection.codes());
        }
    }

    private Player.Loss loss(MicroBatch rows, PictureBatch batch) {
        if (rows.pass() == 0 && rows.step() == 0) {
            begin();
        }
        pass = losses.of(batch.pixels(model.backend()), rows);
        codes.see(rows, pass.codes(), pass.latents());
        Map<String, Double> parts = new LinkedHashMap<>(pass.parts());
        parts.put("usage", codes.usage());
        CodeCounts counts = new CodeCounts(model.config().nEmbed());
        counts.add(pass.codes().toInts());
        parts.put("perplexity", counts.perplexity());
        return new Player.Loss(pass.loss(), parts);
    }

    /** What moves the codes, of the tokenizer's pass. */
    private Player.Loss projectionLoss(MicroBatch rows, PictureBatch batch) {
        return new Player.Loss(pass.codebookLoss(), Map.of());
    }

    private Player.Loss discriminatorLoss(MicroBatch rows, PictureBatch batch) {
        return adversary.loss(rows, batch.pixels(model.backend()), pass.reconstruction());
    }

    @Override
    public void afterStep(AfterStep step) {
        pass = null;
        if (projection != null) {
            foldProjection();
        }
        if (step.step() == 0 && step.ema() != null && options.codebook().replacesStart()) { // the average began before the codes did
            step.ema().adopt(model.codebook().weightName(), 0, model.codebook().weight().size());
        }
        codes.afterStep(step);
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
        codes.fillBuffer();
        ModelWriter.write(folder, null, model.config(), info, model.params().all(), DType.F32);
    }

    @Override
    public boolean saveState(SafeTensorsWriter file) {
        codes.save(file);
        if (adversary != null) {
            adversary.save(file);
        }
        return true;
    }

    @Override
    public void loadState(TensorSource file) {
        codes.load(file);
        if (adversary != null) {
            adversary.load(file);
        }
    }
}
