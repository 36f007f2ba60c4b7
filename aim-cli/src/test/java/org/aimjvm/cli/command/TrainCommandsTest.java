package org.aimjvm.cli.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.aimjvm.AiM;
import org.aimjvm.backend.Backends;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.checkpoint.RecipeStage;
import org.aimjvm.cli.Aim;
import org.aimjvm.cli.CliProcess;
import org.aimjvm.cli.Outcome;
import org.aimjvm.cli.TinyData;
import org.aimjvm.command.ExitCode;
import org.aimjvm.command.Version;
import org.aimjvm.data.FashionMnist;
import org.aimjvm.data.IdxFolder;
import org.aimjvm.data.TokenDataset;
import org.aimjvm.feature.Accuracy;
import org.aimjvm.feature.ClassifierFolder;
import org.aimjvm.io.Images;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.StagedFolder;
import org.aimjvm.train.MetricsCsv;
import org.aimjvm.train.RunFolder;
import org.aimjvm.train.RunLock;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From pictures to a model by the three commands, as a user does it. */
class TrainCommandsTest {
    @TempDir private static Path shared;
    @TempDir private Path dir;

    private static Outcome vq;
    private static Outcome tokenize;
    private static Outcome lm;

    @BeforeAll
    static void pipeline() throws IOException {
        TinyData.idx(shared.resolve("data"));
        vq = aim(
                "train vq --data DIR/data --out DIR/vq --steps 12 --checkpoint-every 5 --validate-every 6 --sample-every 6"
                        + " --ema 0.5 " + TinyData.VQ);
        tokenize = aim("tokenize --model DIR/vq/model --data DIR/data --size 8 --out DIR/codes --batch 7");
        lm = aim("train lm --data DIR/codes --tokenizer DIR/vq/model --out DIR/lm --epochs 2 --checkpoint-every 0"
                + " --validate-every 5 --sample-every 5 --cfg-scale 1.5 --groups 2 --micro-batch 3 " + TinyData.LM);
    }

    private static Outcome aim(String text) {
        return Outcome.of(Outcome.words(shared, text));
    }

    /** As {@link #aim}, with OUT for the folder of one test. */
    private Outcome aimHere(String text) {
        return aim(text.replace("OUT", dir.toString()));
    }

    @Test
    void onlyTheResultIsPrinted() {
        assertThat(List.of(vq, tokenize, lm)).allSatisfy(o -> assertThat(o.exit()).isZero());
        assertThat(vq.out()).isEqualTo(shared.resolve("vq/model") + System.lineSeparator());
        assertThat(tokenize.out().lines()).containsExactly(shared.resolve("codes") + ": 30 pictures",
                shared.resolve("codes/validation") + ": 9 pictures");
        assertThat(lm.out()).isEqualTo(shared.resolve("lm/model") + System.lineSeparator());
        assertThat(vq.err() + tokenize.err() + lm.err()).isEmpty();
    }

    @Test
    void aTokenizersRunHoldsTableCurveSamplesAndTheNewestCheckpoints() throws IOException {
        Path run = shared.resolve("vq");
        TreeMap<Integer, Map<String, Double>> table = MetricsCsv.read(run.resolve("metrics.csv"));
        assertThat(table.keySet()).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
        assertThat(table.get(3)).containsKeys("loss", "reconstruction", "lr").doesNotContainKey("validation_psnr");
        assertThat(table.get(12)).containsKeys("loss", "validation_psnr", "validation_usage");
        assertThat(Images.read(run.resolve("loss.png")).getWidth()).isGreaterThan(500);
        assertThat(Images.read(run.resolve("samples/step-00000006.png")).getHeight()).isEqualTo(2 * 8 + 3);
        assertThat(run.resolve("samples/step-00000012.png")).exists();
        assertThat(RunFolder.all(run)).extracting(p -> p.getFileName().toString())
                .containsExactly("step-00000010", "step-00000012");
    }

    @Test
    void theResultHoldsAveragedWeights() {
        try (SafeTensors result = SafeTensors.open(shared.resolve("vq/model/model.safetensors"));
                SafeTensors averages = SafeTensors.open(shared.resolve("vq/step-00000012/ema.safetensors"));
                SafeTensors trained = SafeTensors.open(shared.resolve("vq/step-00000012/model.safetensors"))) {
            String name = "vqvae.encoder.conv_in.weight";
            assertThat(result.readFloats(name)).isEqualTo(averages.readFloats(name))
                    .isNotEqualTo(trained.readFloats(name));
        }
    }

    @Test
    void aResultWithTokenizerIsACompleteModel() throws IOException {
        AiM aim = AiM.load(shared.resolve("lm/model"));
        assertThat(aim.info().classNames()).containsExactly("0", "1", "2");
        assertThat(aim.info().guidance().first()).isEqualTo(1.5f);
        assertThat(aim.generate("2").height()).isEqualTo(8);
        Recipe recipe = aim.info().recipe();
        assertThat(recipe.stages()).extracting(RecipeStage::stage).containsExactly("vq", "codes", "lm");
        assertThat(recipe.stages()).extracting(RecipeStage::command)
                .containsExactly("aim train vq", "aim tokenize", "aim train lm");
        assertThat(recipe.stages().get(0).options()).contains(
                Map.entry("data", "data"), Map.entry("steps", 12L), Map.entry("ema", 0.5), Map.entry("beta1", 0.9),
                Map.entry("ch-mult", List.of("1", "2")), Map.entry("schedule", "cosine"), Map.entry("flip", false));
        assertThat(recipe.stages().get(1).options()).contains(Map.entry("model", "model"), Map.entry("views", 1L))
                .doesNotContainKeys("batch", "out");
        assertThat(recipe.stages().get(2).options()).contains(
                Map.entry("data", "codes"), Map.entry("tokenizer", "model"), Map.entry("micro-batch", 3L));
        assertThat(recipe.stages()).allSatisfy(s -> {
            assertThat(s.options()).doesNotContainKeys(
                    "out", "help", "debug", "threads", "device", "resume", "validate-every", "checkpoint-every");
            assertThat(s.options().toString()).doesNotContain(shared.toString());
            assertThat(s.data().pictures()).isEqualTo(TinyData.TRAIN);
            assertThat(s.data().classes()).isEqualTo(3);
            assertThat(s.data().fingerprint()).isNotEmpty();
            assertThat(s.version()).isEqualTo(Version.aim());
        });
        // 3 classes by 8 pictures of 8 x 8
        assertThat(Images.read(shared.resolve("lm/samples/step-00000005.png")).getHeight()).isEqualTo(3 * 9 + 1);
        assertThat(MetricsCsv.read(shared.resolve("lm/metrics.csv")).get(10)).containsKeys("loss", "validation_loss");
    }

    @Test
    void checkpointsHaveTheDefaultsAndTheRecipeOfTheResult() throws IOException {
        for (String run : List.of("vq", "lm")) {
            Path checkpoint = RunFolder.latest(shared.resolve(run)).orElseThrow();
            assertThat(checkpoint.resolve("aim.json"))
                    .hasSameTextualContentAs(shared.resolve(run).resolve("model/aim.json"));
        }
        try (SafeTensors a = SafeTensors.open(shared.resolve("vq/model/model.safetensors"));
                SafeTensors b = SafeTensors.open(shared.resolve("vq/step-00000012/model.safetensors"))) {
            assertThat(a.metadata()).isEqualTo(b.metadata());
        }
    }

    @Test
    void aClassifierIsTrainedMeasuredAndCanBeReadAgain() throws IOException {
        String options = " --width 8 --features 6 --size 8 --batch 6 --lr 1e-2 --steps 20 --report-every 0";
        Outcome o = aimHere("train classifier --data DIR/data --out OUT/a" + options);
        assertThat(o.exit()).isZero();
        assertThat(o.err()).isEmpty();
        assertThat(o.out().lines().toList()).satisfiesExactly(
                l -> assertThat(l).matches("accuracy (1.0|0.[0-9])[0-9]* of 9 held-out pictures"),
                l -> assertThat(l).isEqualTo(dir.resolve("a/model").toString()));
        ClassifierFolder read = ClassifierFolder.read(dir.resolve("a/model"), Backends.best());
        assertThat(read.classNames()).containsExactly("0", "1", "2");
        assertThat(read.recipe().lines().getLast()).startsWith("aim train classifier --data data ")
                .contains(" --features 6 ").doesNotContain("--out");
        double accuracy =
                Accuracy.of(read.classifier(), IdxFolder.open(shared.resolve("data"), IdxFolder.TEST, null, 8), 9, 0)
                        .total();
        assertThat(o.out()).startsWith(String.format(Locale.ROOT, "accuracy %.4f ", accuracy));
        assertThat(MetricsCsv.read(dir.resolve("a/metrics.csv")).get(20)).containsKeys("accuracy",
                "validation_accuracy");
        assertThat(RunFolder.all(dir.resolve("a"))).hasSize(1);

        TinyData.files(dir.resolve("pictures"));
        Files.delete(dir.resolve("pictures/cat/broken.png"));
        Outcome held = aimHere("train classifier --data OUT/pictures --hold-out 2 --out OUT/b" + options);
        assertThat(held.exit()).isZero();
        assertThat(held.out()).contains(" of 2 held-out pictures");
        Outcome none = aimHere("train classifier --data OUT/pictures --out OUT/c" + options);
        assertThat(none.out()).isEqualTo(dir.resolve("c/model") + System.lineSeparator());
        Outcome all = aimHere("train classifier --data OUT/pictures --hold-out 8 --out OUT/d" + options);
        assertThat(all.exit()).isEqualTo(ExitCode.USAGE);
        assertThat(all.err()).contains("--hold-out: 8 (expected less than the 8 pictures there are)");
        assertThat(dir.resolve("d")).doesNotExist();
    }

    @Test
    void aSecondRunInTheFolderOfOneIsRefused() throws IOException {
        String command = "train vq --data DIR/data --out OUT/vq --steps 2 " + TinyData.VQ;
        try (RunLock _ = RunLock.of(dir.resolve("vq"))) {
            for (String resume : List.of("", " --resume")) {
                Outcome o = aimHere(command + resume);
                assertThat(o.exit()).isEqualTo(ExitCode.FAILED);
                assertThat(o.err()).hasLineCount(1).startsWith(
                        "aim: " + dir.resolve("vq") + ": another run is writing to it, of this process");
                assertThat(o.out()).isEmpty();
            }
        }
        assertThat(dir.resolve("vq")).doesNotExist();
        assertThat(aimHere(command).exit()).isZero();
        assertThat(dir.resolve("vq/.lock")).doesNotExist();
    }

    @Test
    void aResultWithoutTokenizerIsTheSequenceModelAlone() {
        Outcome o = aimHere(
                "train lm --data DIR/codes --out OUT/lm --steps 2 --hold-out 5 --untied --mixer mamba1 --d-model 16"
                        + " --layers 2 --attention-layers 1 --heads 2 --mlp 16 --batch 6 --report-every 0 --token-dropout 0.1");
        assertThat(o.exit()).isZero();
        try (ModelFolder folder = ModelFolder.open(dir.resolve("lm/model"))) {
            assertThat(folder.hasTokenizer()).isFalse();
            assertThat(folder.config().attentionLayers()).containsExactly(1);
            assertThat(folder.config().tieEmbeddings()).isFalse();
            assertThat(folder.config().dIntermediate()).isEqualTo(16);
            assertThat(folder.tensors().names()).contains("mamba.lm_head.weight")
                    .noneMatch(n -> n.startsWith("vqvae."));
        }
        assertThat(dir.resolve("lm/samples")).doesNotExist();
    }

    @Test
    void codesDoNotDependOnTheBatchAndSplitsCanBeMadeApart() {
        aimHere("tokenize --model DIR/vq/model --data DIR/data --size 8 --out OUT/codes --split train --batch 30");
        assertThat(dir.resolve("codes/validation")).doesNotExist();
        aimHere("tokenize --model DIR/vq/model --data DIR/data --size 8 --out OUT/codes --split test");
        for (String part : List.of("", "validation")) {
            try (TokenDataset a = TokenDataset.open(shared.resolve("codes").resolve(part));
                    TokenDataset b = TokenDataset.open(dir.resolve("codes").resolve(part))) {
                assertThat(b.fingerprint()).isEqualTo(a.fingerprint());
                assertThat(b.size()).isEqualTo(part.isEmpty() ? TinyData.TRAIN : TinyData.TEST);
            }
        }
    }

    @Test
    void pictureFilesTrainAndBrokenOnesAreCounted() throws IOException {
        TinyData.files(dir.resolve("pictures"));
        Outcome o = aimHere(
                "train vq --data OUT/pictures --out OUT/vq --epochs 1 --flip --sample-every 0 --validate-every 0 "
                        + TinyData.VQ);
        assertThat(o.exit()).isZero();
        assertThat(o.err()).hasLineCount(1).contains(dir.resolve("pictures")
                + ": 8 pictures of 2 classes: cat 4, dog 4; 1 left out: cat/broken.png: not a picture");
        try (ModelFolder folder = ModelFolder.open(dir.resolve("vq/model"))) {
            assertThat(folder.vqConfig().inChannels()).isEqualTo(3);
            assertThat(folder.info().classNames()).containsExactly("cat", "dog");
        }
        Outcome t = aimHere("tokenize --model OUT/vq/model --data OUT/pictures --size 8 --views 3 --out OUT/codes");
        assertThat(t.out()).endsWith("24 pictures" + System.lineSeparator());
    }

    @Test
    void aClassOfOnePictureIsNamedBeforeTraining() throws IOException {
        TinyData.files(dir.resolve("pictures"));
        Images.writePng(dir.resolve("pictures/fish/only.png"), TinyData.picture(9, 9));
        String command = " --data OUT/pictures --val OUT/pictures --steps 1 --sample-every 0 --validate-every 0 ";
        Outcome o = aimHere("train vq --out OUT/vq" + command + TinyData.VQ);
        assertThat(o.exit()).isZero();
        assertThat(o.err()).containsOnlyOnce("aim: warning: " + dir.resolve("pictures")
                + ": 1 class of one picture: fish (a model can only learn it by heart; add pictures, or leave the class")
                .hasLineCount(3); // what was found, twice, and that
    }

    @Test
    void aRunThatGoesOnKeepsToItsListAndNoticesReplacedPictures() throws IOException {
        Path cat = TinyData.files(dir.resolve("pictures")).resolve("cat");
        String command = "train vq --data OUT/pictures --out OUT/vq --steps 2 --sample-every 0 " + TinyData.VQ;
        String line = "8 pictures of 2 classes: cat 4, dog 4; 1 left out: cat/broken.png: not a picture";
        assertThat(aimHere(command + " --exif ignore --check-pictures").exit()).isZero();
        assertThat(Files.readString(dir.resolve("vq/pictures.tsv"))).contains("-\tcat/broken.png\tnot a picture");

        Path first;
        try (Stream<Path> files = Files.list(cat)) {
            first = files.filter(p -> !p.endsWith("broken.png")).sorted().findFirst().orElseThrow();
        }
        Files.copy(first, cat.resolve("zzz.png"));
        Outcome more = aimHere(command + " --exif ignore --resume");
        assertThat(more.exit()).isZero();
        assertThat(more.err()).contains(line);

        assertThat(aimHere(command + " --resume").err()).contains("trainer.json: data: "); // other pixels
        Images.writePng(first, Images.flip(Images.read(first)));
        Outcome replaced = aimHere(command + " --exif ignore --resume");
        assertThat(replaced.exit()).isEqualTo(1);
        assertThat(replaced.err()).contains("trainer.json: data: ");
        Outcome codes = aimHere("tokenize --model OUT/vq/model --data OUT/pictures --size 8 --out OUT/codes");
        assertThat(codes.err()).contains("9 pictures of 2 classes");
        assertThat(dir.resolve("codes/pictures.tsv")).exists();
    }

    @Test
    void fashionMnistIsKnownByItsLabels() {
        Path system = Path.of("/usr/share/datasets/fashion-mnist");
        assumeTrue(Files.isDirectory(system), "no copy in " + system);
        assertThat(IdxFolder.open(system, IdxFolder.TEST, null, 28).classNames()).isEqualTo(FashionMnist.CLASS_NAMES);
        assertThat(IdxFolder.open(system, IdxFolder.TEST, List.of("0 1 2 3 4 5 6 7 8 9".split(" ")), 28).classNames())
                .endsWith("8", "9");
        assertThat(IdxFolder.open(shared.resolve("data"), IdxFolder.TEST, null, 8).classNames())
                .containsExactly("0", "1", "2");
    }

    @Test
    void aStoppedRunGoesOnAsIfItHadNotBeen() throws Exception {
        String options = " --data DIR/data --steps 100 --checkpoint-every 0 --validate-every 0 --sample-every 0 "
                + TinyData.VQ;
        assertThat(aimHere("train vq --out OUT/whole" + options).exit()).isZero();

        List<String> command = new ArrayList<>(List.of(System.getProperty("java.home") + "/bin/java",
                "--add-modules=jdk.incubator.vector", "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                Aim.class.getName()));
        command.addAll(Arrays.asList(Outcome.words(shared, ("train vq --out OUT/stopped" + options).replace("OUT",
                dir.toString()))));
        CliProcess.Running running = CliProcess.start(dir, Map.of(), command);
        Path metrics = dir.resolve("stopped/metrics.csv");
        while (running.process().isAlive() && (!Files.exists(metrics) || Files.readAllLines(metrics).size() < 3)) {
            Thread.sleep(10);
        }
        running.process().destroy(); // SIGTERM
        CliProcess stopped = running.await();
        assertThat(stopped.exit()).isEqualTo(128 + 15);
        assertThat(stopped.out()).isEmpty();
        assertThat(stopped.err()).containsPattern("aim: stopped at step \\d+, saved in ");
        assertThat(dir.resolve("stopped/model")).doesNotExist();
        assertThat(RunFolder.latest(dir.resolve("stopped"))).isPresent();

        assertThat(aimHere("train vq --resume --out OUT/stopped" + options).exit()).isZero();
        assertThat(withoutTimes(metrics)).isEqualTo(withoutTimes(dir.resolve("whole/metrics.csv"))).hasSize(100);
        assertThat(dir.resolve("stopped/model/model.safetensors"))
                .hasSameBinaryContentAs(dir.resolve("whole/model/model.safetensors"));
    }

    /** A tokenizer of 27 million weights, so that its file takes long enough for a signal to come in the middle. */
    @Test
    void aSignalWhileTheResultIsWrittenWaitsForIt() throws Exception {
        List<String> command = new ArrayList<>(List.of(System.getProperty("java.home") + "/bin/java",
                "--add-modules=jdk.incubator.vector", "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                Aim.class.getName()));
        command.addAll(Arrays.asList(Outcome.words(shared, "train vq --data DIR/data --out " + dir.resolve("run")
                + " --steps 1 --sample-every 0 --validate-every 0 --size 8 --ch 160 --ch-mult 1,2 --codebook 8"
                + " --embed-dim 4 --z-channels 32 --batch 2 --report-every 0")));
        CliProcess.Running running = CliProcess.start(dir, Map.of(), command);
        while (running.process().isAlive() && !(Files.isDirectory(dir.resolve("run")) && hasHiddenModel())) {
            Thread.sleep(1);
        }
        running.process().destroy(); // SIGTERM
        CliProcess stopped = running.await();
        assertThat(stopped.exit()).as(stopped.err()).isEqualTo(128 + 15);
        assertThat(stopped.err()).contains("aim: stopped, the result is complete");
        assertThat(hasHiddenModel()).isFalse();
        assertThat(dir.resolve("run/model/model.safetensors")).exists();
    }

    private boolean hasHiddenModel() throws IOException {
        try (Stream<Path> files = Files.list(dir.resolve("run"))) {
            return files.anyMatch(f -> f.getFileName().toString().startsWith(".model."));
        }
    }

    @Test
    void aTrainedClassifierJudges() throws IOException {
        assertThat(aimHere("train classifier --data DIR/data --out OUT/judge --width 8 --features 6 --size 8 --batch 6"
                + " --lr 1e-2 --steps 20 --report-every 0").exit()).isZero();
        String command = "evaluate --model DIR/lm/model --data DIR/data --size 8 --count 2 --min-real 0"
                + " --min-generated 0 --judge-epochs 1 --judge OUT/";
        Outcome folder = aimHere(command + "judge/model");
        assertThat(folder.exit()).as(folder.err()).isZero();
        assertThat(folder.out()).contains("real_accuracy ");
        Outcome file = aimHere(command + "judge.safetensors"); // trained here and kept
        assertThat(file.exit()).as(file.err()).isZero();
        assertThat(aimHere(command + "judge.safetensors").out()).isEqualTo(file.out());

        Outcome others = aimHere(command + "judge/model --class-names a,b,c");
        assertThat(others.exit()).isEqualTo(ExitCode.FAILED);
        assertThat(others.err()).contains("judge/model takes 1 x 8 x 8 pictures of 0, 1, 2 (expected 1 x 8 x 8 "
                + "pictures of a, b, c, as the data)");
    }

    private static TreeMap<Integer, Map<String, Double>> withoutTimes(Path metrics) {
        TreeMap<Integer, Map<String, Double>> table = MetricsCsv.read(metrics);
        table.values().forEach(row -> row.remove("seconds"));
        return table;
    }

    @Test
    void aCheckpointThatLacksAFileIsNotContinued() throws IOException {
        String command = "train vq --data DIR/data --out OUT/vq --steps 2 --checkpoint-every 1 " + TinyData.VQ;
        assertThat(aimHere(command).exit()).isZero();
        byte[] result = Files.readAllBytes(dir.resolve("vq/model/model.safetensors"));
        Path last = dir.resolve("vq/step-00000002");
        Files.delete(last.resolve(RunFolder.TASK));
        Outcome o = aimHere(command + " --resume");
        assertThat(o.exit()).isEqualTo(ExitCode.FAILED);
        assertThat(o.out()).isEmpty();
        assertThat(o.err()).hasLineCount(1).contains(last.resolve(RunFolder.TASK) + ": no such file")
                .contains("or remove " + last);
        StagedFolder.delete(last); // as it says
        assertThat(aimHere(command + " --resume").exit()).isZero();
        assertThat(dir.resolve("vq/model/model.safetensors")).hasBinaryContent(result);
    }

    @Test
    void resumingAFinishedRunWritesItsResultAgain() throws IOException {
        String command = "train vq --data DIR/data --out OUT/vq --steps 2 " + TinyData.VQ;
        assertThat(aimHere(command + " --resume").exit()).isZero(); // nothing to continue: begins
        Path result = dir.resolve("vq/model/model.safetensors");
        byte[] first = Files.readAllBytes(result);
        Files.delete(result);
        assertThat(aimHere(command + " --resume").exit()).isZero();
        assertThat(result).hasBinaryContent(first);
    }

    @Test
    void progressIsLinesWhereThereIsNoTerminalAndABarWhereThereIs() {
        String options = "--data DIR/data --steps 3 --sample-every 0 " + TinyData.VQ.replace("--report-every 0", "");
        Outcome lines = aimHere("train vq --out OUT/a " + options);
        assertThat(lines.err().lines().toList()).hasSize(2).satisfiesExactly(
                l -> assertThat(l).matches("train vq: step 3 of 3, epoch 0, loss [0-9.]+, .* images/s, 0:00:00 left"),
                l -> assertThat(l).matches("train vq: step 3, validation psnr [0-9.]+, usage .*"));
        Outcome bar = Outcome.of(true, Outcome.words(shared, ("train vq --out OUT/b " + options).replace("OUT",
                dir.toString())));
        assertThat(bar.err()).contains("train vq", "18/18 img", "loss ").doesNotContain("of 3, epoch");
    }
}
