package org.aimjvm.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aimjvm.backend.DType;
import org.aimjvm.checkpoint.ModelWriter;
import org.aimjvm.checkpoint.ModelInfo;
import org.aimjvm.data.PictureSource;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.model.PositionRule;
import org.aimjvm.vq.VqModel;

/** Stage 1's part of the loop: batches of pictures, reconstruction and codebook losses, revival of unused codes. */
final class VqTask implements TrainTask<PictureBatch> {
    private static final String PLAYER = "tokenizer";

    private record Settings(String reconstruction, int reviveAfter, Object config) {}

    private final VqModel model;
    private final PictureSource train;
    private final VqOptions options;
    private final ModelInfo info;
    private final VqLosses losses;
    private final CodeRevival codes;
    private final VqValidation validation;

    /** @param info kept in checkpoints; {@code null} for no more than the classes */
    VqTask(VqModel model, PictureSource train, PictureSource validation, VqOptions options, ModelInfo info) {
        this.model = model;
        this.train = train;
        this.options = options;
        this.info = info == null ? ModelInfo.of(train.classNames(), PositionRule.SEQUENCE_INDEX, "") : info;
        requireFit(train);
        if (validation != null) {
            requireFit(validation);
        }
        TrainRecipe recipe = options.recipe();
        this.losses = new VqLosses(model, options.reconstruction());
        int reviveAfter = model.codebook().isFrozen() ? 0 : options.reviveAfter();
        this.codes = new CodeRevival(model.codebook(), PLAYER, reviveAfter, recipe.seed());
        this.validation = new VqValidation(model, validation, recipe);
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
        return new Settings(options.reconstruction().name(), options.reviveAfter(), model.config());
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
    public List<Player<PictureBatch>> players() {
        return List.of(Player.of(PLAYER, model.params(), options.recipe(), this::loss));
    }

    /** Terms of the loss; {@code usage}: share of the codebook in the window of recent codes. */
    @Override
    public List<String> partNames() {
        List<String> names = new ArrayList<>(losses.names());
        names.add("usage");
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

    private Player.Loss loss(MicroBatch rows, PictureBatch batch) {
        VqLosses.Pass pass = losses.of(batch.pixels(model.backend()));
        codes.see(rows, pass.codes(), pass.latents());
        Map<String, Double> parts = new LinkedHashMap<>(pass.parts());
        parts.put("usage", codes.usage());
        return new Player.Loss(pass.loss(), parts);
    }

    @Override
    public void afterStep(AfterStep step) {
        codes.afterStep(step);
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
        return true;
    }

    @Override
    public void loadState(TensorSource file) {
        codes.load(file);
    }
}
