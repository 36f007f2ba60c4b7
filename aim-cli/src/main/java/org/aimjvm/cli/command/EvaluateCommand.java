package org.aimjvm.cli.command;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.aimjvm.AiM;
import org.aimjvm.GenerateOptions;
import org.aimjvm.LoadOptions;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.DType;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.cli.option.DrawOptions;
import org.aimjvm.command.Checkable;
import org.aimjvm.command.ComputeOptions;
import org.aimjvm.command.Models;
import org.aimjvm.command.OutputPaths;
import org.aimjvm.command.Console;
import org.aimjvm.command.ExitCode;
import org.aimjvm.command.PictureData;
import org.aimjvm.command.Progress;
import org.aimjvm.command.Recorded;
import org.aimjvm.command.StatesOption;
import org.aimjvm.command.Tokenizer;
import org.aimjvm.command.WeightsOption;
import org.aimjvm.data.ArrayPictures;
import org.aimjvm.data.PictureSource;
import org.aimjvm.eval.Evaluation;
import org.aimjvm.eval.FeatureStatistics;
import org.aimjvm.eval.QualityCheck;
import org.aimjvm.feature.Accuracy;
import org.aimjvm.feature.Classifier;
import org.aimjvm.feature.ClassifierConfig;
import org.aimjvm.feature.ClassifierFolder;
import org.aimjvm.io.Checkpoints;
import org.aimjvm.io.Images;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.nn.Params;
import org.aimjvm.optim.AdamWOptions;
import org.aimjvm.optim.LrSchedule;
import org.aimjvm.train.ClassifierTrainer;
import org.aimjvm.train.RunOptions;
import org.aimjvm.train.TrainListener;
import org.aimjvm.train.TrainMetrics;
import org.aimjvm.train.TrainRecipe;
import org.aimjvm.vq.VqModel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/** {@code aim evaluate}: the quality check of a model trained on a labelled data set. */
@Command(
        name = "evaluate",
        description = {
            "Check a model against the data it was trained on.",
            "Trains a small convolutional classifier on the real training pictures, which must be right on real test pictures;"
                    + " then asks how many generated pictures it takes for their label, and compares its features of generated,"
                    + " reconstructed and real pictures (Frechet distance). Fails if either accuracy is below its limit. Of a tokenizer"
                    + " alone it judges the reconstructions."
        })
public final class EvaluateCommand implements Callable<Integer>, Checkable {
    private static final int BATCH = 100;
    private static final int JUDGE_BATCH = 128;
    private static final int NEIGHBOURS_PER_CLASS = 2;

    @Spec private CommandSpec spec;

    @Mixin private ComputeOptions compute;

    @Mixin private WeightsOption weights;

    @Mixin private StatesOption states;

    @Mixin private PictureData pictures;

    @Recorded(Recorded.As.LAST_NAME)
    @Option(
            names = {"-m", "--model"},
            defaultValue = "fashion",
            paramLabel = "MODEL",
            description = "Checkpoint folder, file of weights, or name of an embedded model (default: ${DEFAULT-VALUE}).") private String model;

    @Option(
            names = {"-n", "--count"},
            defaultValue = "200",
            paramLabel = "N",
            description = "Generated pictures of each class (default: ${DEFAULT-VALUE}).") private int count;

    @Option(
            names = "--seed",
            defaultValue = "0",
            paramLabel = "N",
            description = "Seed of the first picture of each class (default: ${DEFAULT-VALUE}).") private long seed;

    @Mixin private DrawOptions drawing;

    @Option(
            names = "--judge-epochs",
            defaultValue = "4",
            paramLabel = "N",
            description = "Passes over the training pictures that the classifier gets (default: ${DEFAULT-VALUE}).") private int judgeEpochs;

    @Option(
            names = "--judge",
            paramLabel = "PATH",
            description = "The classifier: a folder made by 'aim train classifier', or a file of weights, which is read if it is"
                    + " there, else written once it is trained. For comparing models or settings under one judge.") private Path judgePath;

    @Option(
            names = "--min-real",
            defaultValue = "0.9",
            paramLabel = "P",
            description = "Least accuracy of the classifier on real test pictures (default: ${DEFAULT-VALUE}).") private double minReal;

    @Option(
            names = "--min-generated",
            defaultValue = "0.9",
            paramLabel = "P",
            description = "Least share of generated pictures taken for their label (default: ${DEFAULT-VALUE}).") private double minGenerated;

    @Recorded(Recorded.As.NOTHING)
    @Option(names = "--json", paramLabel = "FILE", description = "Write the figures as JSON.") private Path json;

    @Recorded(Recorded.As.NOTHING)
    @Option(
            names = "--neighbours",
            paramLabel = "FILE",
            description = "PNG: generated pictures, each above the nearest training picture, a column for each class.") private Path neighbours;

    private final Console console;

    EvaluateCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        pictures.check();
        GenerateOptions wanted = ComputeOptions.checked(spec, () -> options(GenerateOptions.DEFAULT));
        if (judgeEpochs < 1 || wanted.count() < 2) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--judge-epochs, --count: " + judgeEpochs + ", " + count + " (expected at least 1 and 2)");
        }
    }

    @Override
    public Integer call() throws IOException {
        check();
        Backend backend = compute.backend(console, states.format());
        PictureSource train = pictures.train(console);
        PictureSource test = pictures.validation(console);
        if (test == null) {
            throw new ParameterException(spec.commandLine(),
                    "--val: none given, and no t10k-* files in --data (expected test pictures)");
        }
        if (isTokenizerAlone()) {
            Map<String, Object> figures = measureTokenizer(train, test, backend);
            return report(figures);
        }
        AiM aim = AiM.load(
                model,
                LoadOptions.DEFAULT.withBackend(backend).withWeights(weights.format()).withStates(states.format()));
        if (aim.pictureSize() != test.height() || aim.pictureSize() != test.width()
                || aim.numClasses() != test.classNames().size()) {
            throw new IllegalArgumentException(
                    model + ": makes " + aim.pictureSize() + " x " + aim.pictureSize() + " pictures of "
                            + aim.numClasses() + " classes (expected " + test.height() + " x " + test.width() + " of "
                            + test.classNames().size() + ", as the data)");
        }
        return report(measure(aim, train, test, options(aim.defaults()), backend));
    }

    private boolean isTokenizerAlone() {
        try (ModelFolder folder = Models.open(model)) {
            return folder.config() == null && folder.hasTokenizer();
        }
    }

    /** Prints figures, writes them if a file was asked for, and says whether they are good enough. */
    private int report(Map<String, Object> figures) throws IOException {
        pictures.reportReplaced(console);
        if (json != null) {
            String text = new JsonMapper().writerWithDefaultPrettyPrinter().writeValueAsString(figures) + "\n";
            OutputPaths.write(json, text.getBytes(StandardCharsets.UTF_8));
        }
        figures.forEach(
                (name, value) -> console.out().println(String.format(Locale.ROOT, "%-34s %s", name, text(value))));
        return (boolean) figures.get("passed") ? ExitCode.OK : ExitCode.FAILED;
    }

    private static String text(Object value) {
        return value instanceof Double d ? String.format(Locale.ROOT, "%.4f", d) : String.valueOf(value);
    }

    private GenerateOptions options(GenerateOptions defaults) {
        return drawing.of(defaults.withCount(count).withSeed(seed).withBatchSize(64));
    }

    private Map<String, Object> measure(
            AiM aim, PictureSource train, PictureSource test, GenerateOptions options, Backend backend)
            throws IOException {
        Evaluation evaluation = new Evaluation(aim);
        Classifier judge = judge(train, backend);
        Accuracy real = Accuracy.of(judge, test, BATCH, 0);

        long tokens = (long) count * aim.numClasses() * aim.model().config().numTokens();
        ArrayPictures made;
        try (Progress progress = console.progress("generate", tokens, "tokens")) {
            made = evaluation.generate(options, test.classNames(), progress::to);
        }
        Accuracy generated = Accuracy.of(judge, made, BATCH, 0);
        Evaluation.Reconstructed reconstructed = evaluation.reconstruct(test);

        FeatureStatistics testFeatures = QualityCheck.features(judge, test, BATCH);
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("cfg_scale", (double) options.guidance().first());
        figures.put("sampling", options.sampling().toString());
        figures.put("states", aim.model().states().toString());
        figures.put("real_test_pictures", test.size());
        figures.put("real_accuracy", real.total());
        figures.put("generated_pictures", made.size());
        figures.put("generated_accuracy", generated.total());
        for (int label = 0; label < aim.numClasses(); label++) {
            figures.put("generated_accuracy " + test.classNames().get(label), generated.of(label));
        }
        figures.put("frechet_generated_test", QualityCheck.features(judge, made, BATCH).frechetDistance(testFeatures));
        figures.put(
                "frechet_reconstructed_test",
                QualityCheck.features(judge, reconstructed.pictures(), BATCH).frechetDistance(testFeatures));
        figures.put("frechet_train_test", QualityCheck.features(judge, train, BATCH).frechetDistance(testFeatures));
        figures.put("reconstruction_psnr_db", QualityCheck.psnr(test, reconstructed.pictures()));
        evaluation.usage(reconstructed.codes()).forEach((name, value) -> figures.put("codebook_" + name, value));
        figures.put("validation_loss_nats_per_code", evaluation.loss(reconstructed.codes(), test));
        addNeighbours(figures, made, train, aim.numClasses(), backend);
        figures.put("passed", real.total() >= minReal && generated.total() >= minGenerated);
        return figures;
    }

    /** What can be said of a tokenizer: how close and how natural its reconstructions are. */
    private Map<String, Object> measureTokenizer(PictureSource train, PictureSource test, Backend backend) {
        VqModel tokenizer = Tokenizer.read(model, backend).model();
        int f = tokenizer.config().downsampling();
        if (tokenizer.config().inChannels() != test.channels() || test.height() % f != 0 || test.width() % f != 0) {
            throw new IllegalArgumentException(model + ": takes pictures of " + tokenizer.config().inChannels()
                    + " channels and multiples of " + f + " pixels (expected " + test.channels() + " x "
                    + test.height() + " x " + test.width() + ", as the data)");
        }
        Classifier judge = judge(train, backend);
        Accuracy real = Accuracy.of(judge, test, BATCH, 0);
        Evaluation.Reconstructed reconstructed = Evaluation.reconstruct(tokenizer, test);
        FeatureStatistics testFeatures = QualityCheck.features(judge, test, BATCH);
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("real_test_pictures", test.size());
        figures.put("real_accuracy", real.total());
        figures.put("reconstructed_accuracy", Accuracy.of(judge, reconstructed.pictures(), BATCH, 0).total());
        figures.put(
                "frechet_reconstructed_test",
                QualityCheck.features(judge, reconstructed.pictures(), BATCH).frechetDistance(testFeatures));
        figures.put("frechet_train_test", QualityCheck.features(judge, train, BATCH).frechetDistance(testFeatures));
        figures.put("reconstruction_psnr_db", QualityCheck.psnr(test, reconstructed.pictures()));
        Evaluation.usage(tokenizer, reconstructed.codes())
                .forEach((name, value) -> figures.put("codebook_" + name, value));
        figures.put("passed", real.total() >= minReal);
        return figures;
    }

    private Classifier judge(PictureSource train, Backend backend) {
        ClassifierConfig config = ClassifierConfig.of(train);
        if (judgePath != null && Files.isDirectory(judgePath)) {
            return judgeOf(ClassifierFolder.read(judgePath, backend), train);
        }
        if (judgePath != null && Files.exists(judgePath)) {
            try (TensorSource file = Checkpoints.open(judgePath)) {
                return new Classifier(Params.from(backend, file, p -> new Classifier(p, config)), config);
            }
        }
        Classifier judge = new Classifier(Params.random(backend, 1), config);
        int batch = Math.min(JUDGE_BATCH, train.size());
        int steps = Math.max(1, judgeEpochs * train.size() / batch);
        AdamWOptions optimizer =
                new AdamWOptions(1e-3, 0.9, 0.99, 1e-8, 0.05, AdamWOptions.DecayRule.BY_DIMENSION, 1);
        LrSchedule schedule = new LrSchedule(LrSchedule.Kind.COSINE, Math.min(steps, 50), steps);
        TrainRecipe recipe = new TrainRecipe(batch, 1, 1, optimizer, schedule, 0);
        try (Progress progress = console.progress("train classifier", steps, "steps")) {
            TrainListener listener = new TrainListener() {
                @Override
                public void onStep(TrainMetrics metrics) {
                    progress.to(metrics.step());
                }
            };
            new ClassifierTrainer(judge, train, null, recipe, RunOptions.NONE, listener).run();
        }
        if (judgePath != null) {
            SafeTensorsWriter file = new SafeTensorsWriter();
            judge.params().all().forEach((name, t) -> file.floats(name, DType.F32, t.shape(), t::toFloats));
            file.write(judgePath);
        }
        return judge;
    }

    /** The classifier of a folder, if it is of pictures and classes as those of the data. */
    private Classifier judgeOf(ClassifierFolder folder, PictureSource train) {
        ClassifierConfig got = folder.classifier().config();
        ClassifierConfig expected = ClassifierConfig.of(train);
        if (got.channels() != expected.channels() || got.side() != expected.side()
                || !folder.classNames().equals(train.classNames())) {
            throw new IllegalArgumentException(
                    "--judge: " + judgePath + " takes " + kind(got, folder.classNames()) + " (expected "
                            + kind(expected, train.classNames()) + ", as the data)");
        }
        return folder.classifier();
    }

    private static String kind(ClassifierConfig config, List<String> classNames) {
        return config.channels() + " x " + config.side() + " x " + config.side() + " pictures of "
                + String.join(", ", classNames);
    }

    /**
     * Distances to the nearest training picture, of generated pictures and, as the yardstick, of pictures of the set
     * itself.
     */
    private void addNeighbours(
            Map<String, Object> figures, ArrayPictures made, PictureSource train, int classes, Backend backend)
            throws IOException {
        List<Integer> chosen = Evaluation.firstOfEachClass(made, classes, NEIGHBOURS_PER_CLASS);
        int size = made.pictureSize();
        float[] pixels = new float[chosen.size() * size];
        int[] labels = new int[chosen.size()];
        for (int i = 0; i < chosen.size(); i++) {
            made.read(chosen.get(i), 0, pixels, i * size);
            labels[i] = made.label(chosen.get(i));
        }
        ArrayPictures queries =
                new ArrayPictures(made.channels(), made.height(), made.width(), made.classNames(), labels, pixels);
        QualityCheck.Neighbour[] nearest = QualityCheck.nearest(backend, queries, train, 1000);
        double least = Double.POSITIVE_INFINITY;
        double sum = 0;
        for (QualityCheck.Neighbour n : nearest) {
            least = Math.min(least, n.distance());
            sum += n.distance();
        }
        figures.put("nearest_train_mse_mean", sum / nearest.length);
        figures.put("nearest_train_mse_least", least);
        if (neighbours != null) {
            List<BufferedImage> images = new ArrayList<>();
            for (int row = 0; row < NEIGHBOURS_PER_CLASS; row++) {
                for (int c = 0; c < classes; c++) {
                    images.add(image(queries, c * NEIGHBOURS_PER_CLASS + row));
                }
                for (int c = 0; c < classes; c++) {
                    images.add(image(train, nearest[c * NEIGHBOURS_PER_CLASS + row].index()));
                }
            }
            Images.writePng(neighbours, Images.grid(images, classes, 2));
        }
    }

    private static BufferedImage image(PictureSource source, int index) {
        float[] pixels = new float[source.pictureSize()];
        source.read(index, pixels);
        return Images.fromFloats(pixels, 0, source.channels(), source.height(), source.width());
    }
}
