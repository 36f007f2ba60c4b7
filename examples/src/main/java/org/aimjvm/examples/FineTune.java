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
import org.aimjvm.data.CodeExtractor;
import org.aimjvm.data.PictureFolder;
import org.aimjvm.data.PictureOptions;
import org.aimjvm.data.PictureSource;
import org.aimjvm.data.TokenDataset;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.nn.Params;
import org.aimjvm.optim.AdamWOptions;
import org.aimjvm.optim.LrSchedule;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.train.LmOptions;
import org.aimjvm.train.LmTrainer;
import org.aimjvm.train.RunOptions;
import org.aimjvm.train.TrainRecipe;
import org.aimjvm.vq.VqModel;

/**
 * Goes on from a model that exists, with pictures and classes of your own; its tokenizer stays as it is. Arguments: the
 * model (a folder, or {@code fashion}), the folder of pictures, the folder to write the new model to.
 */
public final class FineTune {
    private static final long SEED = 1;

    private FineTune() {}

    public static void main(String[] args) throws Exception {
        if (args.length != 3) {
            throw new IllegalArgumentException("arguments: " + args.length + ", expected 3: MODEL PICTURES OUT");
        }
        Path out = Path.of(args[2]);
        run(args[0], PictureFolder.open(Path.of(args[1]), pictureOptions(args[0])), out, 32, 500);
        AiM aim = AiM.load(out.resolve("model"));
        aim.generate(0).save(out.resolve(aim.info().className(0) + ".png"));
    }

    /** How to read pictures so that they have the size and the channels that the model makes. */
    static PictureOptions pictureOptions(String model) {
        try (ModelFolder folder = ModelFolder.open(model)) {
            int codesPerSide = (int) Math.sqrt(folder.config().numTokens());
            return PictureOptions.of(codesPerSide * folder.vqConfig().downsampling())
                    .withChannels(folder.vqConfig().inChannels());
        }
    }

    /**
     * Trains; the new model is then in folder {@code model} of {@code out}.
     *
     * @return the losses by step
     */
    static List<Double> run(String start, PictureSource pictures, Path out, int batch, int steps) {
        Backend backend = Backends.best();
        try (ModelFolder folder = ModelFolder.open(start)) {
            // readModel, not readFrozenModel: what AiM.load reads can only generate.
            AimModel old = folder.readModel(backend);
            VqModel tokenizer = folder.readTokenizer(backend);
            new CodeExtractor(tokenizer).extract(pictures, out.resolve("codes"), 1, SEED, batch, _ -> {});
            try (TokenDataset codes = TokenDataset.open(out.resolve("codes"))) {
                AimConfig config = old.config().toBuilder().numClasses(pictures.classNames().size()).build();
                AimModel model = withSameWeights(old, config, backend);

                // A small rate, rising slowly: what the model knows already should bend, not break.
                TrainRecipe recipe = new TrainRecipe(
                        batch, 1, SEED, AdamWOptions.of(3e-4),
                        new LrSchedule(LrSchedule.Kind.COSINE, steps / 10, steps), 0);
                Losses losses = new Losses("fine-tuning", 10);
                new LmTrainer(model, codes, null, new LmOptions(recipe, 0.1, 0, false), RunOptions.NONE, losses).run();

                Map<String, Tensor> tensors = new LinkedHashMap<>(model.params().all());
                tensors.putAll(tokenizer.params().all());
                // How it samples best is the old model's; what it was made from is worth writing down.
                ModelInfo info = new ModelInfo(
                        pictures.classNames(), old.positions(), folder.info().guidance(), folder.info().sampling(),
                        "fine-tuned from " + start);
                ModelWriter.write(out.resolve("model"), config, tokenizer.config(), info, tensors, DType.F32);
                return losses.values();
            }
        }
    }

    /**
     * A model with all weights of the old one that fit: with another number of classes that is all but the table of
     * labels, which starts anew. With the same number it is everything, and class 0 starts as the old class 0.
     */
    private static AimModel withSameWeights(AimModel old, AimConfig config, Backend backend) {
        AimModel model = new AimModel(Params.random(backend, SEED).sub(AimModel.NAME), config, old.positions());
        Map<String, Tensor> known = old.params().all();
        model.params().all().forEach((name, tensor) -> {
            if (known.get(name).shape().equals(tensor.shape())) {
                tensor.write(known.get(name).toFloats());
            } else {
                System.out.println("starts anew: " + name + " " + tensor.shape());
            }
        });
        return model;
    }
}
