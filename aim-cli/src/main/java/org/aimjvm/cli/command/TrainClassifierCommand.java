package org.aimjvm.cli.command;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.checkpoint.RecipeStage;
import org.aimjvm.cli.option.RecipeOption;
import org.aimjvm.command.Checkable;
import org.aimjvm.command.ComputeOptions;
import org.aimjvm.command.Console;
import org.aimjvm.command.ExitCode;
import org.aimjvm.command.OptionChecks;
import org.aimjvm.command.PictureData;
import org.aimjvm.command.RecipeOptions;
import org.aimjvm.command.Recipes;
import org.aimjvm.command.RunFolderOptions;
import org.aimjvm.data.PictureSource;
import org.aimjvm.data.PictureSubset;
import org.aimjvm.data.Split;
import org.aimjvm.feature.Accuracy;
import org.aimjvm.feature.Classifier;
import org.aimjvm.feature.ClassifierConfig;
import org.aimjvm.feature.ClassifierFolder;
import org.aimjvm.nn.Params;
import org.aimjvm.train.ClassifierTrainer;
import org.aimjvm.train.RunLock;
import org.aimjvm.train.RunOptions;
import org.aimjvm.train.TrainRecipe;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code aim train classifier}: a judge of pictures. */
@Command(
        name = "classifier",
        description = "Train a small convolutional classifier of labelled pictures, to judge generated ones.",
        abbreviateSynopsis = true,
        sortOptions = false,
        footer = {"", "Ctrl-C ends the run after the step under way, with a checkpoint."})
final class TrainClassifierCommand implements Callable<Integer>, Checkable {
    @Spec private CommandSpec spec;

    @Mixin private PictureData pictures;

    @Option(
            names = "--hold-out",
            defaultValue = "0",
            paramLabel = "N",
            description = "Pictures of --data to measure the accuracy on instead of training on, where there are no "
                    + "others (default: ${DEFAULT-VALUE}).") private int holdOut;

    @Option(
            names = "--width",
            defaultValue = "32",
            paramLabel = "N",
            description = "Filters of the first convolution, a multiple of 8; the others have 2 and 4 times as many "
                    + "(default: ${DEFAULT-VALUE}).") private int width;

    @Option(
            names = "--features",
            defaultValue = "128",
            paramLabel = "N",
            description = "Values that describe a picture (default: ${DEFAULT-VALUE}).") private int features;

    @Mixin private RecipeOption recipeFile;

    @Mixin private RecipeOptions recipe;

    @Mixin private RunFolderOptions run;

    @Mixin private ComputeOptions compute;

    private final Console console;

    TrainClassifierCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        recipe.check();
        pictures.check();
        new OptionChecks(spec).atLeast("--hold-out", holdOut, 0).atLeast("--width", width, 8)
                .atLeast("--features", features, 1);
    }

    @Override
    public Integer call() throws IOException {
        check();
        RunOptions runOptions = run.check();
        try (RunLock lock = run.take()) {
            PictureSource all = pictures.train(console);
            PictureSource others = pictures.validation(console);
            if (others != null || holdOut == 0) {
                return train(all, others, runOptions, lock);
            }
            if (holdOut >= all.size()) {
                throw usage(
                        "--hold-out: " + holdOut + " (expected less than the " + all.size() + " pictures there are)");
            }
            int[] order = Split.order(all.size(), recipe.seed());
            int[] rest = Arrays.copyOfRange(order, holdOut, order.length);
            Arrays.sort(rest);
            return train(
                    new PictureSubset(all, rest), new PictureSubset(all, Arrays.copyOf(order, holdOut)), runOptions,
                    lock);
        }
    }

    private int train(PictureSource train, PictureSource validation, RunOptions runOptions, RunLock lock) {
        TrainRecipe trainRecipe = recipe.forExamples(train.size());
        ClassifierConfig config = ComputeOptions.checked(
                spec, () -> ClassifierConfig.of(train).withSizes(width, features));
        Classifier classifier = new Classifier(Params.random(compute.backend(console), recipe.seed()), config);
        Recipe history =
                Recipe.NONE.then(Recipes.stage(spec, RecipeStage.CLASSIFIER, pictures.facts(train), null));
        TrainReport report = new TrainReport(console, run, "train classifier", null);
        ClassifierTrainer trainer = ComputeOptions.checked(
                spec,
                () -> new ClassifierTrainer(classifier, train, validation, trainRecipe, history, runOptions, report));
        TrainSession session = new TrainSession(console, trainer, run.folder());
        if (!session.run(run.checkpoint(), report, lock)) {
            return ExitCode.FAILED;
        }
        Path model = run.folder().resolve(RunFolderOptions.MODEL);
        session.writeResult(() -> {
            ClassifierFolder.write(model, classifier, train.classNames(), history);
            if (validation != null) {
                double accuracy = Accuracy.of(classifier, validation, trainRecipe.microBatch(), 0).total();
                console.out().printf(
                        Locale.ROOT, "accuracy %.4f of %d held-out pictures%n", accuracy, validation.size());
            }
        });
        console.out().println(model);
        return ExitCode.OK;
    }

    private ParameterException usage(String message) {
        return new ParameterException(spec.commandLine(), message);
    }
}
