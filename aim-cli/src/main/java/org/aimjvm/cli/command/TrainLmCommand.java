package org.aimjvm.cli.command;

import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.aimjvm.GenerateOptions;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.DType;
import org.aimjvm.checkpoint.ClassRows;
import org.aimjvm.checkpoint.FineTuning;
import org.aimjvm.checkpoint.ModelInfo;
import org.aimjvm.checkpoint.ModelWriter;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.checkpoint.RecipeStage;
import org.aimjvm.cli.option.AimArchitecture;
import org.aimjvm.cli.option.ClassOptions;
import org.aimjvm.cli.option.CodeOptions;
import org.aimjvm.cli.option.InitOptions;
import org.aimjvm.cli.option.RecipeOption;
import org.aimjvm.command.Checkable;
import org.aimjvm.command.ComputeOptions;
import org.aimjvm.command.Console;
import org.aimjvm.command.ExitCode;
import org.aimjvm.command.OptionChecks;
import org.aimjvm.command.RecipeOptions;
import org.aimjvm.command.Recipes;
import org.aimjvm.command.Recorded;
import org.aimjvm.command.RunFolderOptions;
import org.aimjvm.command.Tokenizer;
import org.aimjvm.data.CodeExtractor;
import org.aimjvm.data.CodeSource;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.Images;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimFreeze;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Params;
import org.aimjvm.sample.GeneratedPicture;
import org.aimjvm.sample.GenerationListener;
import org.aimjvm.sample.GenerationRequest;
import org.aimjvm.sample.Generator;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.train.LmOptions;
import org.aimjvm.train.LmTrainer;
import org.aimjvm.train.RunLock;
import org.aimjvm.train.RunOptions;
import org.aimjvm.train.TrainRecipe;
import org.aimjvm.train.Workers;
import org.aimjvm.vq.VqConfig;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code aim train lm}: the sequence model. */
@Command(
        name = "lm",
        description = "Train a sequence model to predict the codes of pictures from their class (stage 2).",
        abbreviateSynopsis = true,
        sortOptions = false,
        footer = {"", "Ctrl-C ends the run after the step under way, with a checkpoint."})
final class TrainLmCommand implements Callable<Integer>, Checkable {
    private static final int SAMPLE_CLASSES = 10;
    private static final int SAMPLE_COLUMNS = 8;
    private static final int SAMPLE_BATCH = 40;

    @Spec private CommandSpec spec;

    @Option(
            names = "--data",
            required = true,
            paramLabel = "CODES",
            description = "Folder of codes, made by 'aim tokenize', or of NumPy files: NAME_codes with NAME_labels as "
                    + "LlamaGen's, or a folder per class as RandAR's.") private Path data;

    @Option(
            names = "--val",
            paramLabel = "CODES",
            description = "Codes to validate on (default: CODES/" + TokenizeCommand.VALIDATION
                    + " if there is one).") private Path val;

    @Option(
            names = "--hold-out",
            defaultValue = "0",
            paramLabel = "N",
            description = "Pictures of --data to validate on instead of training on, where there are no other "
                    + "(default: ${DEFAULT-VALUE}).") private int holdOut;

    @Recorded(Recorded.As.LAST_NAME)
    @Option(
            names = "--tokenizer",
            paramLabel = "MODEL",
            description = "The tokenizer that made the codes: copied into the result, which then is a complete model, and "
                    + "used for sample pictures (default: that of --init, if it made them).") private String tokenizerPath;

    @Mixin private CodeOptions codeOptions;

    @Mixin private InitOptions init;

    @Mixin private ClassOptions classes;

    @Mixin private AimArchitecture architecture;

    @Option(
            names = "--label-dropout",
            defaultValue = "0.1",
            paramLabel = "R",
            description = "Share of pictures trained without their class, which guidance needs (default: ${DEFAULT-VALUE}).") private double labelDropout;

    @Option(
            names = "--cfg-scale",
            defaultValue = "4",
            paramLabel = "S",
            description = "Guidance of the sample pictures, and the result's default (default: ${DEFAULT-VALUE}).") private float cfgScale;

    @Option(
            names = "--positions",
            paramLabel = "RULE",
            description = "Rows of the position table: sequence_index, or published_training as the released weights "
                    + "(default: that of --init, else sequence_index).") private PositionRule positions;

    @Option(
            names = "--checkpoint-blocks",
            description = "Keep only what passes between blocks and compute each block again in the backward pass: less "
                    + "memory, about 40 %% more time, the same result.") private boolean checkpointBlocks;

    @Mixin private RecipeOption recipeFile;

    @Mixin private RecipeOptions recipe;

    @Mixin private RunFolderOptions run;

    @Mixin private ComputeOptions compute;

    private final Console console;

    TrainLmCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        recipe.check();
        codeOptions.check();
        if (!init.given()) {
            architecture.check();
        }
        init.check();
        classes.check(init.given());
        defaults();
        new OptionChecks(spec).atLeast("--hold-out", holdOut, 0);
        if (!(labelDropout >= 0 && labelDropout <= 1)) {
            throw usage("--label-dropout: " + labelDropout + " (expected 0 to 1)");
        }
    }

    private GenerateOptions defaults() {
        return ComputeOptions.checked(spec, () -> GenerateOptions.DEFAULT.withGuidance(cfgScale));
    }

    @Override
    public Integer call() {
        check();
        GenerateOptions defaults = defaults();
        RunOptions runOptions = run.check();
        Path valPath = val != null ? val : data.resolve(TokenizeCommand.VALIDATION);
        try (RunLock lock = run.take();
                CodeSource train = codeOptions.open(data);
                CodeSource validation = val != null || Files.isDirectory(valPath) ? codeOptions.open(valPath) : null;
                InitOptions.Start start = init.open(run.checkpoint(), classes.taken())) {
            return train(train, validation, runOptions, defaults, start, lock);
        }
    }

    private int train(
            CodeSource train, CodeSource validation, RunOptions runOptions, GenerateOptions defaults,
            InitOptions.Start start, RunLock lock) {
        int heldOut = validation == null ? holdOut : 0;
        if (heldOut >= train.size()) {
            throw usage("--hold-out: " + holdOut + " (expected less than the " + train.size() + " pictures there are)");
        }
        TrainRecipe trainRecipe = recipe.forExamples(train.size() - heldOut);
        AimConfig config = start == null
                ? architecture.config(train.info())
                : architecture.agreeing(configToBeginFrom(start, train), start.name(),
                        train.info().classNames().size());
        AimFreeze freeze = ComputeOptions.checked(spec, () -> new AimFreeze(init.freeze(), config));
        Backend backend = compute.backend(console);
        Tokenizer named = tokenizerPath == null ? null : Tokenizer.read(tokenizerPath, backend);
        requireFit(named, train);
        InitTokenizer initTokenizer = new InitTokenizer(
                new OptionChecks(spec), console, run.folder(), named != null, classes.otherTokenizer());
        Tokenizer own = initTokenizer.read(start, train, backend);
        Tokenizer tokenizer = named == null ? own : named;
        AimModel model = start == null
                ? new AimModel(
                        Params.random(backend, recipe.seed()).freezing(freeze).sub(AimModel.NAME), config, rule(start))
                : model(start, train, config, freeze, backend);
        TrainReport report = new TrainReport(
                console, run, "train lm", tokenizer == null ? null : samples(model, tokenizer));
        LmOptions options =
                ComputeOptions.checked(spec, () -> new LmOptions(
                        trainRecipe, labelDropout, heldOut, checkpointBlocks, start == null ? null : start.origin()));
        ModelInfo info = new ModelInfo(
                train.info().classNames(), model.positions(), defaults.guidance(), defaults.sampling(),
                history(start, named, train));
        LmTrainer trainer = ComputeOptions.checked(
                spec,
                () -> new LmTrainer(model, train, validation, options, info, runOptions, Workers.ALONE, report));
        initTokenizer.keep(start, own);
        TrainSession session = new TrainSession(console, trainer, run.folder());
        if (!session.run(run.checkpoint(), report, lock)) {
            return ExitCode.FAILED;
        }
        Path folder = run.folder().resolve(RunFolderOptions.MODEL);
        Map<String, Tensor> tensors = new LinkedHashMap<>(model.params().all());
        if (tokenizer != null) {
            tensors.putAll(tokenizer.model().params().all());
        }
        session.writeResult(() -> ModelWriter.write(
                folder, config, tokenizer == null ? null : tokenizer.model().config(), info, tensors, DType.F32));
        console.out().println(folder);
        return ExitCode.OK;
    }

    /** The stages that made the tokenizer, the codes and the model to begin from, if they say so, and this one. */
    private Recipe history(InitOptions.Start start, Tokenizer named, CodeSource codes) {
        RecipeStage.Data facts = new RecipeStage.Data(
                String.valueOf(data.getFileName()), codes.fingerprint(), codes.size(),
                codes.info().classNames().size());
        RecipeStage mine =
                Recipes.stage(spec, RecipeStage.MODEL, facts, start == null ? null : start.facts());
        Recipe others = (named == null ? Recipe.NONE : named.info().recipe()).then(codeOptions.recipe(data));
        return start == null ? others.then(mine) : start.recipe(others, mine);
    }

    /** The configuration of the sequence model to begin from, which must be one for these codes. */
    private AimConfig configToBeginFrom(InitOptions.Start start, CodeSource codes) {
        AimConfig there = start.folder().config();
        if (there == null) {
            throw new CheckpointException(start.folder().path(), null, "no sequence model (expected tensors mamba.*)");
        }
        if (codes.length() != there.numTokens()) {
            throw usage("--data: " + codes.length() + " codes a picture (expected " + there.numTokens() + ", as --init "
                    + start.name() + "; run 'aim tokenize' with pictures of the size it was made for)");
        }
        if (codes.info().vocab() != there.vocabSize()) {
            throw usage("--data: a vocabulary of " + codes.info().vocab() + " codes (expected " + there.vocabSize()
                    + ", as --init " + start.name() + "; run 'aim tokenize' with its tokenizer)");
        }
        return there;
    }

    /** The rule of the position table: the one given, else that of the model to begin from. */
    private PositionRule rule(InitOptions.Start start) {
        PositionRule there = start == null ? PositionRule.SEQUENCE_INDEX : start.folder().info().positions();
        if (start != null && start.folder().hasInfo() && positions != null && positions != there) {
            throw usage("--positions: " + positions.name().toLowerCase(Locale.ROOT) + ", but --init " + start.name()
                    + " was trained with " + there.name().toLowerCase(Locale.ROOT) + " (leave it out)");
        }
        return positions == null ? there : positions;
    }

    private AimModel model(
            InitOptions.Start start, CodeSource codes, AimConfig config, AimFreeze freeze, Backend backend) {
        ClassRows rows = classes.rows(start.folder(), codes.info());
        if (rows.fresh() > 0 && freeze.holdsClasses()) {
            throw usage("--freeze: classes, of which " + rows.fresh() + " are new (expected to be trained)");
        }
        AimModel model =
                FineTuning.model(start.folder(), backend, config, rule(start), rows, recipe.seed(), freeze);
        if (!start.goesOn()) {
            console.err().println("aim: --init " + start.name() + ": " + rows.summary(codes.info().classNames()));
        }
        return model;
    }

    private void requireFit(Tokenizer tokenizer, CodeSource codes) {
        if (tokenizer == null) {
            return;
        }
        VqConfig config = tokenizer.model().config();
        if (config.nEmbed() != codes.info().vocab()) {
            throw usage("--vocab: " + codes.info().vocab() + " (expected " + config.nEmbed() + ", as --tokenizer "
                    + tokenizerPath + ")");
        }
        String made = codes.info().tokenizer();
        if (!made.isEmpty() && !new CodeExtractor(tokenizer.model()).tokenizerFingerprint().equals(made)) {
            throw usage("--tokenizer: " + tokenizerPath + " is not the one that made " + data
                    + " (name that one, or run 'aim tokenize' with this one)");
        }
        if (codes.info().gridHeight() != codes.info().gridWidth()) {
            throw usage("--data: " + codes.info().gridHeight() + " x " + codes.info().gridWidth()
                    + " codes a picture (expected as many rows as columns)");
        }
    }

    /** A row of generated pictures for each of the first classes. */
    private Supplier<BufferedImage> samples(AimModel model, Tokenizer tokenizer) {
        Generator generator = new Generator(model, tokenizer.model());
        List<GenerationRequest.Job> jobs = new ArrayList<>();
        for (int label = 0; label < Math.min(SAMPLE_CLASSES, model.config().numClasses()); label++) {
            for (int seed = 0; seed < SAMPLE_COLUMNS; seed++) {
                jobs.add(new GenerationRequest.Job(label, seed));
            }
        }
        GenerateOptions o = GenerateOptions.DEFAULT.withGuidance(cfgScale);
        GenerationRequest request =
                new GenerationRequest(jobs, o.guidance(), o.sampling(), o.prefix(), SAMPLE_BATCH);
        return () -> {
            List<BufferedImage> cells = new ArrayList<>();
            for (GeneratedPicture p : generator.generate(request, GenerationListener.NONE)) {
                cells.add(Images.fromFloats(p.pixels(), 0, p.channels(), p.height(), p.width()));
            }
            return Images.grid(cells, SAMPLE_COLUMNS, 1);
        };
    }

    private ParameterException usage(String message) {
        return new ParameterException(spec.commandLine(), message);
    }
}
