package org.aimjvm.cli.command;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.checkpoint.RecipeStage;
import org.aimjvm.cli.option.CodeOptions;
import org.aimjvm.cli.option.CropOptions;
import org.aimjvm.command.Checkable;
import org.aimjvm.command.ComputeOptions;
import org.aimjvm.command.Console;
import org.aimjvm.command.ExitCode;
import org.aimjvm.command.OptionChecks;
import org.aimjvm.command.OutputPaths;
import org.aimjvm.command.PictureData;
import org.aimjvm.command.Progress;
import org.aimjvm.command.Recipes;
import org.aimjvm.command.Recorded;
import org.aimjvm.command.StopSignal;
import org.aimjvm.command.Tokenizer;
import org.aimjvm.data.CodeExtractor;
import org.aimjvm.data.CodeFolderWriter;
import org.aimjvm.data.PictureSource;
import org.aimjvm.data.TokenDataset;
import org.aimjvm.io.StagedFolder;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code aim tokenize}: pictures to codes on disk. */
@Command(
        name = "tokenize",
        description = "Turn pictures into the codes of a tokenizer, once, for 'aim train lm'.",
        abbreviateSynopsis = true,
        sortOptions = false)
public final class TokenizeCommand implements Callable<Integer>, Checkable {
    /** Folder of the validation codes in that of the training codes. */
    static final String VALIDATION = "validation";

    /** Which pictures are encoded. */
    enum Part {
        ALL, TRAIN, TEST
    }

    /** How codes are stored. */
    enum Format {
        AIM, LLAMAGEN, FOLDERS
    }

    @Spec private CommandSpec spec;

    @Recorded(Recorded.As.LAST_NAME)
    @Option(
            names = {"-m", "--model"},
            required = true,
            paramLabel = "MODEL",
            description = "Tokenizer: a model folder, a file of weights, or the name of an embedded model.") private String model;

    @Mixin private PictureData pictures;

    @Recorded(Recorded.As.NOTHING)
    @Option(
            names = {"-o", "--out"},
            required = true,
            paramLabel = "DIR",
            description = "New folder for the codes; those of the validation pictures go to the folder " + VALIDATION
                    + " in it.") private Path out;

    @Option(
            names = "--split",
            defaultValue = "all",
            paramLabel = "PART",
            description = "What to encode: train, test (the validation pictures), or all (default: ${DEFAULT-VALUE}).") private Part split;

    @Option(
            names = "--views",
            defaultValue = "1",
            paramLabel = "N",
            description = "Times each training picture is encoded: as it is, then with random crops and flips "
                    + "(default: ${DEFAULT-VALUE}).") private int views;

    @Mixin private CropOptions crops;

    @Option(
            names = "--format",
            defaultValue = "aim",
            paramLabel = "KIND",
            description = "How to store them: aim, or NumPy files for the trainers of others: llamagen (imagenetP_codes and "
                    + "imagenetP_labels, P pixels) or folders (one per label, as RandAR; give --split train or test). Views and "
                    + "--crops are their crops (default: ${DEFAULT-VALUE}).") private Format format;

    @Option(
            names = "--seed",
            defaultValue = "0",
            paramLabel = "N",
            description = "Seed of crops and flips (default: ${DEFAULT-VALUE}).") private long seed;

    @Recorded(Recorded.As.NOTHING)
    @Option(
            names = "--batch",
            defaultValue = "64",
            paramLabel = "N",
            description = "Pictures at a time; changes speed and memory, not the codes (default: ${DEFAULT-VALUE}).") private int batch;

    @Mixin private ComputeOptions compute;

    private final Console console;

    TokenizeCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        pictures.check();
        new OptionChecks(spec).atLeast("--views", views, 1).atLeast("--batch", batch, 1);
        crops.check(views);
        if (split == Part.TEST) {
            crops.requireOne("--split test");
        }
    }

    @Override
    public Integer call() throws IOException {
        check();
        Path validationOut = format == Format.FOLDERS ? out : out.resolve(VALIDATION);
        OutputPaths.requireNewFolder(spec, "--out", split == Part.TEST ? validationOut : out);
        pictures.keepIn(out, false);
        PictureSource train = split == Part.TEST ? null : crops.train(pictures, console);
        PictureSource test = split == Part.TRAIN ? null : pictures.validation(console);
        if (split == Part.TEST && test == null) {
            throw usage("--split: test, but there are no validation pictures in --data (name a folder with --val)");
        }
        if (train != null && test != null && format == Format.FOLDERS) {
            throw usage("--split: all with --format folders (expected train or test: its folder holds one part, a"
                    + " folder per label)");
        }
        if (train != null && test != null && !train.classNames().equals(test.classNames())) {
            throw usage("--val: classes " + test.classNames() + " (expected " + train.classNames() + " as in --data)");
        }
        Tokenizer tokenizer = Tokenizer.read(model, compute.backend(console));
        for (PictureSource source : new PictureSource[] {train, test}) {
            if (source != null) {
                requireFit(tokenizer, source);
            }
        }
        CodeExtractor extractor = new CodeExtractor(tokenizer.model());
        int exit = ExitCode.OK;
        if (train != null) {
            exit = StopSignal.during(console, StopSignal.NOTHING, stop -> extract(extractor, train, out, views, stop));
        }
        if (test != null && exit == ExitCode.OK) {
            String left = train == null ? StopSignal.NOTHING
                    : out + " is complete but for its validation codes (make them with --split test)";
            exit = StopSignal.during(console, left, stop -> extract(extractor, test, validationOut, 1, stop));
        }
        pictures.writeLists();
        if (train != null && exit == ExitCode.OK && format == Format.AIM) {
            RecipeStage stage = Recipes.stage(spec, RecipeStage.CODES, pictures.facts(train), null);
            OutputPaths.write(
                    out.resolve(CodeOptions.RECIPE),
                    Recipe.NONE.then(stage).toFile().getBytes(StandardCharsets.UTF_8));
        }
        pictures.reportReplaced(console);
        return exit;
    }

    private int extract(CodeExtractor extractor, PictureSource source, Path folder, int times, StopSignal stop) {
        long total = (long) source.size() * times;
        if (total > Integer.MAX_VALUE) {
            throw usage("--views: " + times + " gives " + total + " pictures (expected at most " + Integer.MAX_VALUE
                    + ")");
        }
        try (Progress progress = console.progress("tokenize", total, "img").until(stop)) {
            if (format == Format.AIM) {
                extractor.extract(source, folder, times, seed, batch, progress::to);
            } else {
                extractFor(extractor, source, folder, times, progress);
            }
        }
        console.out().printf(Locale.ROOT, "%s: %d pictures%n", folder, total);
        return ExitCode.OK;
    }

    /** Crops of a picture are encoded far apart, so the set is written once as ours, and from there picture by picture. */
    private void extractFor(
            CodeExtractor extractor, PictureSource source, Path folder, int times, Progress progress) {
        try (StagedFolder scratch = StagedFolder.replacing(folder)) {
            Path codes = scratch.folder().resolve("codes");
            extractor.extract(source, codes, times, seed, batch, progress::to);
            try (TokenDataset set = TokenDataset.open(codes)) {
                CodeFolderWriter.write(
                        set, times * source.crops(), source.height(),
                        format == Format.LLAMAGEN ? CodeFolderWriter.Layout.LLAMAGEN : CodeFolderWriter.Layout.CLASSES,
                        folder, _ -> {});
            }
        }
    }

    private void requireFit(Tokenizer tokenizer, PictureSource source) {
        int channels = tokenizer.model().config().inChannels();
        int f = tokenizer.model().config().downsampling();
        if (source.channels() != channels) {
            throw usage("--data: pictures with " + source.channels() + " channels (expected " + channels
                    + " for this tokenizer)");
        }
        if (source.height() % f != 0 || source.width() % f != 0) {
            throw usage("--size: " + source.height() + " (expected a multiple of " + f
                    + ", this tokenizer's pixels a code)");
        }
    }

    private ParameterException usage(String message) {
        return new ParameterException(spec.commandLine(), message);
    }
}
