package org.aimjvm.cli.command;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.DType;
import org.aimjvm.checkpoint.FineTuning;
import org.aimjvm.checkpoint.ModelInfo;
import org.aimjvm.checkpoint.ModelWriter;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.checkpoint.RecipeStage;
import org.aimjvm.cli.option.CodebookMixin;
import org.aimjvm.cli.option.InitOptions;
import org.aimjvm.cli.option.InitStateOptions;
import org.aimjvm.cli.option.PictureLossOptions;
import org.aimjvm.cli.option.RecipeOption;
import org.aimjvm.cli.option.VqArchitecture;
import org.aimjvm.cli.output.PairGrid;
import org.aimjvm.command.Checkable;
import org.aimjvm.command.ComputeOptions;
import org.aimjvm.command.Console;
import org.aimjvm.command.ExitCode;
import org.aimjvm.command.PictureData;
import org.aimjvm.command.RecipeOptions;
import org.aimjvm.command.Recipes;
import org.aimjvm.command.RunFolderOptions;
import org.aimjvm.command.Tokenizer;
import org.aimjvm.data.PictureSource;
import org.aimjvm.data.Pictures;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Params;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.train.RunLock;
import org.aimjvm.train.RunOptions;
import org.aimjvm.train.TrainRecipe;
import org.aimjvm.train.VqOptions;
import org.aimjvm.train.VqTrainer;
import org.aimjvm.train.Workers;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqFreeze;
import org.aimjvm.vq.VqModel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code aim train vq}: the tokenizer. */
@Command(
        name = "vq",
        description = "Train a tokenizer to reconstruct pictures through a codebook (stage 1).",
        abbreviateSynopsis = true,
        sortOptions = false,
        footer = {"", "Ctrl-C ends the run after the step under way, with a checkpoint."})
final class TrainVqCommand implements Callable<Integer>, Checkable {
    @Spec private CommandSpec spec;

    @Mixin private PictureData pictures;

    @Mixin private InitOptions init;

    @Mixin private InitStateOptions initState;

    @Mixin private VqArchitecture architecture;

    @Mixin private PictureLossOptions losses;

    @Mixin private CodebookMixin codebook;

    @Mixin private RecipeOption recipeFile;

    @Mixin private RecipeOptions recipe;

    @Mixin private RunFolderOptions run;

    @Mixin private ComputeOptions compute;

    private final Console console;

    TrainVqCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        recipe.check();
        pictures.check();
        if (!init.given()) {
            architecture.config(1);
        }
        init.check();
        initState.check(init);
        ComputeOptions.checked(spec, () -> new VqFreeze(init.freeze()));
        codebook.options();
        losses.check();
    }

    @Override
    public Integer call() throws IOException {
        check();
        Params.Freeze freeze = new VqFreeze(init.freeze());
        RunOptions runOptions = run.check();
        try (RunLock lock = run.take()) {
            try (InitOptions.Start start = init.open(run.checkpoint(), initState.copy(init), initState.taken())) {
                return train(runOptions, freeze, start, lock);
            }
        }
    }

    private int train(RunOptions runOptions, Params.Freeze freeze, InitOptions.Start start, RunLock lock)
            throws IOException {
        pictures.keepIn(run.folder(), run.checkpoint().isPresent());
        PictureSource train = pictures.train(console);
        losses.requireFit(train);
        PictureSource validation = pictures.validation(console);
        VqConfig config = start == null ? architecture.config(train.channels()) : config(start, train);
        TrainRecipe trainRecipe = recipe.forExamples(train.size());
        Backend backend = compute.backend(console);
        VqModel tokenizer = start == null
                ? Tokenizer.random(config, backend, recipe.seed(), freeze).model()
                : FineTuning.tokenizer(start.folder(), backend, config, freeze);
        RecipeStage stage = Recipes.stage(
                spec, RecipeStage.TOKENIZER, pictures.facts(train), start == null ? null : start.facts());
        Recipe history = start == null ? Recipe.NONE.then(stage) : start.recipe(Recipe.NONE, stage);
        ModelInfo info = ModelInfo.of(train.classNames(), PositionRule.SEQUENCE_INDEX, history);
        PictureSource shown = validation == null ? train : validation;
        TrainReport report = new TrainReport(console, run, "train vq", () -> reconstructions(tokenizer, shown));
        VqTrainer trainer = ComputeOptions.checked(spec, () -> new VqTrainer(
                tokenizer, train, validation,
                options(trainRecipe, start, tokenizer.backend()), info, runOptions,
                Workers.ALONE, report));
        initState.begin(console, trainer, start, losses.hasDiscriminator());
        pictures.writeLists();
        TrainSession session = new TrainSession(console, trainer, run.folder());
        boolean complete = session.run(run.checkpoint(), report, lock);
        pictures.reportReplaced(console);
        if (!complete) {
            return ExitCode.FAILED;
        }
        Path model = run.folder().resolve(RunFolderOptions.MODEL);
        session.writeResult(() -> ModelWriter.write(model, null, config, info, tokenizer.params().all(), DType.F32));
        console.out().println(model);
        return ExitCode.OK;
    }

    /** The configuration of the tokenizer to begin from, which must be one for these pictures. */
    private VqConfig config(InitOptions.Start start, PictureSource pictureSource) {
        VqConfig there = start.folder().vqConfig();
        if (there == null) {
            throw new CheckpointException(start.folder().path(), null, "no tokenizer (expected tensors vqvae.*)");
        }
        VqConfig config = architecture.agreeing(there, start.name());
        if (there.inChannels() != pictureSource.channels()) {
            throw new ParameterException(spec.commandLine(), "--data: pictures with " + pictureSource.channels()
                    + " channels (expected " + there.inChannels() + ", as --init " + start.name()
                    + (there.inChannels() == 1 || there.inChannels() == 3
                            ? "; picture files are read so with --channels " + there.inChannels()
                            : "")
                    + ")");
        }
        return config;
    }

    private VqOptions options(TrainRecipe trainRecipe, InitOptions.Start start, Backend backend) {
        return losses.of(trainRecipe, backend)
                .codebook(codebook.options())
                .origin(start == null ? null : start.origin())
                .build();
    }

    /** Rows of pictures, each above the row of its reconstructions. */
    private static BufferedImage reconstructions(VqModel tokenizer, PictureSource source) {
        int count = PairGrid.count(source);
        Tensor x = Pictures.batch(
                tokenizer.backend(), source, IntStream.range(0, count).toArray(), new long[count]);
        int f = tokenizer.config().downsampling();
        Tensor y = tokenizer.decode(tokenizer.encode(x), count, source.height() / f, source.width() / f);
        return PairGrid.of(source, x.toFloats(), y.toFloats());
    }
}
