package org.aimjvm.examples;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aimjvm.AiM;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.DType;
import org.aimjvm.checkpoint.ClassRows;
import org.aimjvm.checkpoint.FineTuning;
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
import org.aimjvm.model.AimFreeze;
import org.aimjvm.model.AimModel;
import org.aimjvm.optim.AdamWOptions;
import org.aimjvm.optim.LrSchedule;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.train.LmOptions;
import org.aimjvm.train.LmTrainer;
import org.aimjvm.train.Origin;
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
            VqModel tokenizer = folder.readTokenizer(backend);
            new CodeExtractor(tokenizer).extract(pictures, out.resolve("codes"), 1, SEED, batch, _ -> {});
            try (TokenDataset codes = TokenDataset.open(out.resolve("codes"))) {
                AimModel model = model(folder, pictures.classNames(), backend);

                // A small rate, rising slowly: what the model knows already should bend, not break.
                TrainRecipe recipe = new TrainRecipe(
                        batch, 1, SEED, AdamWOptions.of(3e-4),
                        new LrSchedule(LrSchedule.Kind.COSINE, steps / 10, steps), 0);
                Origin origin = new Origin(start, folder.sha256(), "");
                LmOptions options = new LmOptions(recipe, 0.1, 0, false, origin);
                Losses losses = new Losses("fine-tuning", 10);
                new LmTrainer(model, codes, null, options, RunOptions.NONE, losses).run();

                Map<String, Tensor> tensors = new LinkedHashMap<>(model.params().all());
                tensors.putAll(tokenizer.params().all());
                // How it samples best is the old model's; what it was made from is worth writing down.
                ModelInfo info = new ModelInfo(
                        pictures.classNames(), model.positions(), folder.info().guidance(), folder.info().sampling(),
                        Recipe.text("fine-tuned from " + origin.name() + " " + origin.sha256()));
                ModelWriter.write(out.resolve("model"), model.config(), tokenizer.config(), info, tensors, DType.F32);
                return losses.values();
            }
        }
    }

    /**
     * The sequence model for other classes: those it knows by name keep their rows of the class table, the others start
     * anew. The table of codes stays as it is, since the tokenizer does.
     */
    private static AimModel model(ModelFolder folder, List<String> classes, Backend backend) {
        List<String> known = folder.info().classNames();
        int count = folder.config().numClasses();
        ClassRows rows = ClassRows.of(ClassRows.usual(known, count, classes), known, count, classes);
        System.out.println(rows.summary(classes));
        AimConfig config = folder.config().toBuilder().numClasses(classes.size()).build();
        AimFreeze frozen = new AimFreeze(List.of("words"), config);
        return FineTuning.model(folder, backend, config, folder.info().positions(), rows, SEED, frozen);
    }
}
