package org.aimjvm.cli.command;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.aimjvm.GenerateOptions;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.checkpoint.FineTuning;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.checkpoint.ModelInfo;
import org.aimjvm.checkpoint.ModelWriter;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.checkpoint.RecipeStage;
import org.aimjvm.cli.option.DrawOptions;
import org.aimjvm.cli.option.PictureLossOptions;
import org.aimjvm.cli.option.RecipeOption;
import org.aimjvm.cli.output.PairGrid;
import org.aimjvm.command.Checkable;
import org.aimjvm.command.ComputeOptions;
import org.aimjvm.command.Console;
import org.aimjvm.command.ExitCode;
import org.aimjvm.command.Models;
import org.aimjvm.command.OptionChecks;
import org.aimjvm.command.PictureData;
import org.aimjvm.command.Progress;
import org.aimjvm.command.RecipeOptions;
import org.aimjvm.command.Recipes;
import org.aimjvm.command.Recorded;
import org.aimjvm.command.RunFolderOptions;
import org.aimjvm.command.StopSignal;
import org.aimjvm.data.CodeRegenerator;
import org.aimjvm.data.PictureSource;
import org.aimjvm.data.PictureViews;
import org.aimjvm.data.Pictures;
import org.aimjvm.data.Split;
import org.aimjvm.data.TokenDataset;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.sample.GenerationRequest;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.train.CodePairs;
import org.aimjvm.train.DecoderTrainer;
import org.aimjvm.train.Origin;
import org.aimjvm.train.RunLock;
import org.aimjvm.train.RunOptions;
import org.aimjvm.train.TrainRecipe;
import org.aimjvm.train.VqOptions;
import org.aimjvm.train.Workers;
import org.aimjvm.vq.VqFreeze;
import org.aimjvm.vq.VqModel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code aim train decoder}: the tokenizer's decoder again, on codes as the sequence model draws them. */
@Command(
        name = "decoder",
        description = "Train the tokenizer's decoder of a whole model to make real pictures of codes with the sequence model's"
                + " errors in them. Encoder, codebook and sequence model stay as they are (after stage 2).",
        abbreviateSynopsis = true,
        sortOptions = false,
        footer = {"", "Ctrl-C ends the run, with a checkpoint or with the codes drawn so far."})
final class TrainDecoderCommand implements Callable<Integer>, Checkable {
    /** Folder of the codes in that of the run. */
    static final String CODES = "codes";
    /** Folder of the codes of the validation pictures. */
    static final String VALIDATION_CODES = "validation-codes";

    @Spec private CommandSpec spec;

    @Recorded(Recorded.As.LAST_NAME)
    @Option(
            names = {"-m", "--model"},
            required = true,
            paramLabel = "MODEL",
            description = "Checkpoint folder, file of weights, or name of an embedded model.") private String model;

    @Option(
            names = "--tokenizer",
            paramLabel = "PATH",
            description = "Folder or file of the tokenizer, if it is not with the model.") private Path tokenizerPath;

    @Mixin private PictureData pictures;

    @Option(
            names = "--forced",
            defaultValue = "0.7",
            paramLabel = "P",
            description = "Share of the codes that are the picture's own; the others are drawn by the sequence model, code by code"
                    + " (default: ${DEFAULT-VALUE}, as published).") private double forced;

    @Option(
            names = "--count",
            paramLabel = "N",
            description = "Pairs of codes and picture to draw before the training: with fewer than there are pictures some are left"
                    + " out, with more they come again with other codes, crops and flips (default: each picture once).") private Integer count;

    @Mixin private DrawOptions drawing;

    @Recorded(Recorded.As.NOTHING)
    @Option(
            names = "--draw-batch",
            defaultValue = "64",
            paramLabel = "N",
            description = "Pictures whose codes are drawn side by side; changes speed and memory, not the codes (default:"
                    + " ${DEFAULT-VALUE}).") private int drawBatch;

    @Mixin private PictureLossOptions losses;

    @Mixin private RecipeOption recipeFile;

    @Mixin private RecipeOptions recipe;

    @Mixin private RunFolderOptions run;

    @Mixin private ComputeOptions compute;

    private final Console console;

    TrainDecoderCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        recipe.check();
        pictures.check();
        if (!(forced >= 0 && forced <= 1)) {
            throw usage("--forced: " + forced + " (expected 0 to 1)");
        }
        new OptionChecks(spec).atLeast("--count", count, 1).atLeast("--draw-batch", drawBatch, 1);
        if (drawBatch > GenerationRequest.MAX_BATCH) {
            throw usage("--draw-batch: " + drawBatch + " (expected at most " + GenerationRequest.MAX_BATCH + ")");
        }
        ComputeOptions.checked(spec, () -> drawing.of(GenerateOptions.DEFAULT));
        losses.check();
    }

    @Override
    public Integer call() throws IOException {
        check();
        RunOptions runOptions = run.check();
        try (RunLock lock = run.take(); ModelFolder folder = open()) {
            return prepare(runOptions, folder, lock);
        }
    }

    private ModelFolder open() {
        ModelFolder folder = tokenizerPath == null ? Models.open(model) : ModelFolder.open(model, tokenizerPath);
        boolean done = false;
        try {
            if (!folder.hasModel() || !folder.hasTokenizer()) {
                throw new CheckpointException(folder.path(), null, folder.hasModel()
                        ? "no tokenizer (expected tensors vqvae.*, or a tokenizer given by --tokenizer)"
                        : "no sequence model (expected tensors mamba.*: a decoder is trained on what one draws)");
            }
            folder.check();
            done = true;
            return folder;
        } finally {
            if (!done) {
                folder.close();
            }
        }
    }

    /** Draws the codes, or finds them there, and trains on them. */
    private int prepare(RunOptions runOptions, ModelFolder folder, RunLock lock) throws IOException {
        pictures.keepIn(run.folder(), run.checkpoint().isPresent());
        PictureSource all = pictures.train(console);
        losses.requireFit(all);
        PictureSource others = runOptions.validateEvery() == 0 ? null : pictures.validation(console);
        int[] labels = labels(all, folder);
        if (others != null && !others.classNames().equals(all.classNames())) {
            throw usage("--val: classes " + others.classNames() + " (expected " + all.classNames() + " as in --data)");
        }
        PictureSource train = new PictureViews(all, count == null ? all.size() : count, recipe.seed());
        PictureSource validation = others == null ? null
                : new PictureViews(
                        others, Split.limit(others.size(), runOptions.validatePictures()), recipe.seed());
        TrainRecipe trainRecipe = recipe.forExamples(train.size());
        Backend backend = compute.backend(console);
        String sha256 = folder.sha256();
        pictures.writeLists();
        Path codes = run.folder().resolve(CODES);
        Path validationCodes = run.folder().resolve(VALIDATION_CODES);
        String left = "the codes drawn so far are kept in " + run.folder() + " (go on with the same command)";
        int exit = StopSignal.during(console, left, stop -> {
            CodeRegenerator regenerator = regenerator(folder, backend, sha256, labels);
            draw(regenerator, train, codes, "draw codes", stop);
            if (validation != null) {
                draw(regenerator, validation, validationCodes, "draw validation codes", stop);
            }
            return ExitCode.OK;
        });
        if (exit != ExitCode.OK) {
            return exit;
        }
        try (TokenDataset trainSet = TokenDataset.open(codes);
                TokenDataset validationSet = validation == null ? null : TokenDataset.open(validationCodes)) {
            RecipeStage.Data facts = pictures.facts(all);
            return train(
                    new CodePairs(train, trainSet), validation == null ? null
                            : new CodePairs(validation, validationSet),
                    new Job(runOptions, trainRecipe, folder, backend, sha256, facts), lock);
        }
    }

    private CodeRegenerator regenerator(ModelFolder folder, Backend backend, String sha256, int[] labels) {
        ModelInfo info = folder.info();
        GenerateOptions o = drawing.of(
                GenerateOptions.DEFAULT.withGuidance(info.guidance()).withSampling(info.sampling()));
        return new CodeRegenerator(
                folder.readFrozenModel(backend, null), folder.readTokenizer(backend), sha256, labels,
                new CodeRegenerator.Options(forced, o.guidance(), o.sampling(), recipe.seed()));
    }

    private void draw(
            CodeRegenerator regenerator, PictureSource source, Path folder, String task, StopSignal stop) {
        try (Progress progress = console.progress(task, source.size(), "img").until(stop)) {
            regenerator.regenerate(source, folder, drawBatch, progress::to);
        }
    }

    /** What a run is made of. */
    private record Job(
            RunOptions run, TrainRecipe recipe, ModelFolder folder, Backend backend, String sha256,
            RecipeStage.Data data) {}

    private int train(CodePairs train, CodePairs validation, Job job, RunLock lock) {
        ModelFolder folder = job.folder();
        VqModel tokenizer = FineTuning.tokenizer(
                folder, job.backend(), folder.vqConfig(), new VqFreeze(List.of("encoder", "codebook")));
        Origin origin = new Origin(
                String.valueOf(Path.of(model).getFileName()), job.sha256(),
                tokenizerPath == null ? "" : "tokenizer of " + tokenizerPath.getFileName());
        RecipeStage stage = Recipes.stage(
                spec, RecipeStage.DECODER, job.data(),
                new RecipeStage.BegunFrom(origin.name(), origin.sha256(), origin.taken()));
        ModelInfo before = folder.info();
        Recipe history = before.recipe().then(stage);
        ModelInfo info = new ModelInfo(
                before.classNames(), before.positions(), before.guidance(), before.sampling(), history);
        CodePairs shown = validation == null ? train : validation;
        TrainReport report = new TrainReport(console, run, "train decoder", () -> pairs(tokenizer, shown));
        DecoderTrainer trainer = ComputeOptions.checked(spec, () -> new DecoderTrainer(
                tokenizer, train, validation, options(job, origin), info, job.run(), Workers.ALONE, report));
        if (validation != null) {
            report.measureBefore(() -> trainer.validate(job.run().validatePictures()));
        }
        TrainSession session = new TrainSession(console, trainer, run.folder());
        boolean complete = session.run(run.checkpoint(), report, lock);
        pictures.reportReplaced(console);
        if (!complete) {
            return ExitCode.FAILED;
        }
        Path result = run.folder().resolve(RunFolderOptions.MODEL);
        session.writeResult(() -> ModelWriter.write(result, folder, info, tokenizer.params().trainable()));
        console.out().println(result);
        return ExitCode.OK;
    }

    private VqOptions options(Job job, Origin origin) {
        return losses.of(job.recipe(), job.backend()).origin(origin).build();
    }

    /** The model's label for each class of the pictures, which must be of the size that the model makes. */
    private int[] labels(PictureSource source, ModelFolder folder) {
        int f = folder.vqConfig().downsampling();
        int side = (int) Math.round(Math.sqrt(folder.config().numTokens())) * f;
        int channels = folder.vqConfig().inChannels();
        if (source.channels() != channels) {
            throw usage("--data: pictures with " + source.channels() + " channels (expected " + channels + " for "
                    + model + ")");
        }
        if (source.height() != side || source.width() != side) {
            throw usage("--size: " + source.height() + " (expected " + side + ", as " + model + " makes pictures)");
        }
        List<String> names = source.classNames();
        int classes = folder.config().numClasses();
        if (folder.info().classNames().isEmpty() && names.size() == classes) {
            return IntStream.range(0, classes).toArray();
        }
        return names.stream().mapToInt(name -> {
            try {
                return folder.info().label(name, classes);
            } catch (IllegalArgumentException e) {
                throw new ParameterException(spec.commandLine(), "--data: class " + name + " is none of " + model
                        + "'s: " + e.getMessage(), e);
            }
        }).toArray();
    }

    /** Rows of pictures, each above the row of what the decoder makes of their codes. */
    private static BufferedImage pairs(VqModel tokenizer, CodePairs pairs) {
        int[] rows = IntStream.range(0, PairGrid.count(pairs.pictures())).toArray();
        Tensor x = Pictures.batch(tokenizer.backend(), pairs.pictures(), rows, new long[rows.length]);
        int[] codes = pairs.codes(rows);
        Tensor y = tokenizer.decode(
                Tensor.ofInts(tokenizer.backend(), Shape.of(codes.length), codes), rows.length,
                pairs.codes().info().gridHeight(), pairs.codes().info().gridWidth());
        return PairGrid.of(pairs.pictures(), x.toFloats(), y.toFloats());
    }

    private ParameterException usage(String message) {
        return new ParameterException(spec.commandLine(), message);
    }
}
