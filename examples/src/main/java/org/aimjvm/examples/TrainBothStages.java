package org.aimjvm.examples;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aimjvm.AiM;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.DType;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.checkpoint.ModelInfo;
import org.aimjvm.checkpoint.ModelWriter;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.data.CodeExtractor;
import org.aimjvm.data.PictureFolder;
import org.aimjvm.data.PictureOptions;
import org.aimjvm.data.PictureSource;
import org.aimjvm.data.TokenDataset;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Params;
import org.aimjvm.optim.AdamWOptions;
import org.aimjvm.optim.LrSchedule;
import org.aimjvm.sample.Guidance;
import org.aimjvm.sample.SamplingOptions;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.train.LmOptions;
import org.aimjvm.train.LmTrainer;
import org.aimjvm.train.RunOptions;
import org.aimjvm.train.TrainRecipe;
import org.aimjvm.train.VqOptions;
import org.aimjvm.train.VqTrainer;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;

/**
 * From pictures to a model that makes such pictures, on one machine. Arguments: a folder with a folder of pictures for
 * each class (or the IDX files of MNIST), and the folder to write to.
 */
public final class TrainBothStages {
    private static final long SEED = 1;

    private TrainBothStages() {}

    /**
     * What decides time and quality.
     *
     * @param channels of the tokenizer's first level
     * @param codes entries of the codebook
     * @param dModel channels of the sequence model
     * @param layers its blocks
     * @param batch pictures per step
     * @param vqSteps steps of stage 1
     * @param lmSteps steps of stage 2
     */
    record Size(int channels, int codes, int dModel, int layers, int batch, int vqSteps, int lmSteps) {
        /**
         * For pictures of 32 x 32: about the size of the embedded model, which took 45 minutes on two cores. Larger
         * pictures want more of everything, and a GPU.
         */
        static final Size SMALL = new Size(32, 512, 192, 8, 64, 1400, 3600);
    }

    /** The losses of both stages, by step. */
    record Result(List<Double> vq, List<Double> lm) {}

    public static void main(String[] args) throws Exception {
        if (args.length != 2) {
            throw new IllegalArgumentException("arguments: " + args.length + ", expected 2: PICTURES OUT");
        }
        Path out = Path.of(args[1]);
        run(PictureFolder.open(Path.of(args[0]), PictureOptions.of(32)), out, Size.SMALL);
        AiM aim = AiM.load(out.resolve("model"));
        aim.generate(0).save(out.resolve(aim.info().className(0) + ".png"));
    }

    /** Trains on pictures; the model is then in folder {@code model} of {@code out}. */
    static Result run(PictureSource pictures, Path out, Size size) {
        Backend backend = Backends.best();
        Losses vqLosses = new Losses("tokenizer", 50);
        Losses lmLosses = new Losses("sequence model", 50);

        // Stage 1: the tokenizer learns to write a picture as a small grid of numbers, and to read it again. Three
        // levels halve the sides twice, so 32 x 32 pixels are 8 x 8 codes.
        VqConfig vqConfig = VqConfig.builder()
                .ch(size.channels)
                .chMult(List.of(1, 2, 2))
                .numResBlocks(1)
                .zChannels(2 * size.channels)
                .nEmbed(size.codes)
                .normGroups(Math.min(32, size.channels))
                .channels(pictures.channels(), pictures.channels())
                .build();
        VqModel vq = new VqModel(Params.random(backend, SEED).sub(VqModel.NAME), vqConfig);
        VqOptions vqOptions =
                VqOptions.builder(recipe(size.batch, size.vqSteps, 1e-3)).reconstruction(VqOptions.Reconstruction.L1)
                        .build();
        VqTrainer first = new VqTrainer(vq, pictures, null, vqOptions, RunOptions.NONE, vqLosses);
        first.run();

        // The averages of the weights over the run are better than the last ones; this puts them in for a moment. The
        // file is what counts from here on: both the codes and the finished model have to come from the same tokenizer.
        ModelInfo names = ModelInfo.of(pictures.classNames(), PositionRule.SEQUENCE_INDEX, Recipe.NONE);
        first.withAverages(() -> ModelWriter.write(
                out.resolve("tokenizer"), null, vqConfig, names, vq.params().all(), DType.F32));
        VqModel tokenizer;
        try (ModelFolder folder = ModelFolder.open(out.resolve("tokenizer"))) {
            tokenizer = folder.readTokenizer(backend);
        }

        // In between: every picture is encoded once, so that stage 2 never decodes a file. One view is the picture as
        // it is; more add random crops.
        new CodeExtractor(tokenizer).extract(pictures, out.resolve("codes"), 1, SEED, size.batch, _ -> {});

        // Stage 2: the sequence model learns which code comes next, given the class and the codes before.
        try (TokenDataset codes = TokenDataset.open(out.resolve("codes"))) {
            AimConfig config = AimConfig.mamba2(size.dModel, size.layers, Math.min(4, size.layers))
                    .withData(size.codes, codes.length(), codes.info().classNames().size());
            AimModel model = new AimModel(
                    Params.random(backend, SEED).sub(AimModel.NAME), config, PositionRule.SEQUENCE_INDEX);
            // A tenth of the labels is dropped: guidance needs to know what a picture of no class in particular looks
            // like. With a folder instead of NONE there are checkpoints, from which resume() goes on bit for bit.
            LmOptions lmOptions = new LmOptions(recipe(size.batch, size.lmSteps, 1.5e-3), 0.1, 0, false);
            LmTrainer second = new LmTrainer(model, codes, null, lmOptions, RunOptions.NONE, lmLosses);
            second.run();

            // A finished model is both parts in one folder, in the published layout, with what its maker recommends.
            Map<String, Tensor> tensors = new LinkedHashMap<>(model.params().all());
            tensors.putAll(tokenizer.params().all());
            ModelInfo info = new ModelInfo(
                    names.classNames(), names.positions(), Guidance.constant(2), SamplingOptions.PLAIN, Recipe.NONE);
            second.withAverages(
                    () -> ModelWriter.write(out.resolve("model"), config, vqConfig, info, tensors, DType.F32));
        }
        return new Result(vqLosses.values(), lmLosses.values());
    }

    /**
     * The learning rate rises over the first steps, which would break a new model at full rate, and then falls to
     * nothing.
     */
    private static TrainRecipe recipe(int batch, int steps, double rate) {
        LrSchedule schedule = new LrSchedule(LrSchedule.Kind.COSINE, Math.min(100, steps / 10), steps);
        return new TrainRecipe(batch, 1, SEED, AdamWOptions.of(rate), schedule, 0.99);
    }
}
