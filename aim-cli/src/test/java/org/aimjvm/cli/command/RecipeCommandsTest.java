package org.aimjvm.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.checkpoint.RecipeStage;
import org.aimjvm.cli.Outcome;
import org.aimjvm.cli.TinyData;
import org.aimjvm.command.ExitCode;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code aim recipe}, and {@code --recipe} of the commands that train. */
class RecipeCommandsTest {
    private static final Path RECIPES = Path.of("../recipes");
    private static final String RUN =
            "recipe run DIR/tiny.yaml --data DIR/idx --set data.size=8 --threads 1 --out DIR/";

    @TempDir private static Path shared;

    @BeforeAll
    static void run() throws IOException {
        TinyData.idx(shared.resolve("idx"));
        Files.copy(RECIPES.resolve("tiny.yaml"), shared.resolve("tiny.yaml"));
        Outcome made = aim(RUN + "run");
        assertThat(made.err()).contains("aim: tokenizer: ", "aim: evaluate: ");
        assertThat(made.exit()).isZero();
        assertThat(made.out().lines().toList()).last().isEqualTo(shared.resolve("run/model").toString());
    }

    private static Outcome aim(String text) {
        return Outcome.of(Outcome.words(shared, text));
    }

    private static byte[] model(String run) throws IOException {
        return Files.readAllBytes(shared.resolve(run).resolve("model/model.safetensors"));
    }

    @Test
    void aRunMakesAModelThatTellsItsRecipeAndFiguresOfIt() throws IOException {
        assertThat(shared.resolve("run/report/evaluation.json")).isNotEmptyFile();
        assertThat(shared.resolve("run/report/neighbours.png")).isNotEmptyFile();
        try (ModelFolder model = ModelFolder.open(shared.resolve("run/model"))) {
            List<RecipeStage> stages = model.info().recipe().stages();
            assertThat(stages).extracting(RecipeStage::stage).containsExactly("vq", "codes", "lm");
            assertThat(stages.getFirst().options()).containsEntry("steps", 20L).containsEntry("lr", 3e-3)
                    .containsEntry("size", 8L).containsEntry("ema", 0.999);
            assertThat(stages.getFirst().data().pictures()).isEqualTo(TinyData.TRAIN);
        }
    }

    @Test
    void aTokenizerLearnsThroughTheFeaturesOfAClassifier() throws IOException {
        Files.writeString(shared.resolve("features.yaml"), """
                version: 1
                data: {kind: folder, size: 8}
                features: {width: 8, batch: 6, steps: 2, seed: 3}
                tokenizer:
                  {ch: 4, norm-groups: 4, ch-mult: [1, 2], z-channels: 4, codebook: 8, embed-dim: 4, batch: 6, steps: 2,
                   perceptual-weight: 0.3}
                """);
        String run = "recipe run DIR/features.yaml --data DIR/idx --threads 1 --out DIR/through";
        assertThat(aim(run).out()).isEqualTo(shared.resolve("through/vq/model") + System.lineSeparator());
        try (ModelFolder model = ModelFolder.open(shared.resolve("through/vq/model"))) {
            assertThat(model.info().recipe().stages().getFirst().options())
                    .containsEntry("perceptual", "features=model").containsEntry("perceptual-weight", 0.3);
        }
        Outcome other = aim(run + " --set features.seed=4");
        assertThat(other.err()).contains("stage features was made with features.seed 3, expected 4");
    }

    @Test
    void theDecoderIsTrainedAgainAndGoesIntoWhatIsExportedAndJudged() throws IOException {
        Files.writeString(shared.resolve("decoder.yaml"), Files.readString(shared.resolve("tiny.yaml"))
                .replace("export:", "decoder: {steps: 3, batch: 6, forced: 0.5, cfg-scale: 2}\n\nexport:"));
        Outcome o = aim(RUN.replace("tiny.yaml", "decoder.yaml") + "decoder");
        assertThat(o.exit()).as(o.err()).isZero();
        assertThat(model("decoder")).isNotEqualTo(model("run"));
        try (ModelFolder model = ModelFolder.open(shared.resolve("decoder/model"));
                ModelFolder trained = ModelFolder.open(shared.resolve("decoder/lm/model"))) {
            List<RecipeStage> stages = model.info().recipe().stages();
            assertThat(stages).extracting(RecipeStage::stage).containsExactly("vq", "codes", "lm", "decoder");
            assertThat(stages.getLast().options()).containsEntry("forced", 0.5).containsEntry("size", 8L);
            assertThat(stages.getLast().begunFrom().sha256()).isEqualTo(trained.sha256());
            assertThat(aim("recipe show DIR/decoder/model").out())
                    .contains("decoder: # aim train decoder", "  # model: SHA-256", "  forced: 0.5");
        }
        assertThat(shared.resolve("decoder/report/evaluation.json")).isNotEmptyFile();
        String again =
                "train decoder --model DIR/decoder/lm/model --data DIR/idx --sample-every 0 --threads 1 --out DIR/";
        assertThat(aim(again + "decoder1 --recipe DIR/decoder/model").exit()).isZero();
        assertThat(aim(again + "decoder2 --recipe DIR/decoder.yaml --size 8").exit()).isZero();
        assertThat(model("decoder1")).isEqualTo(model("decoder/decoder")).isEqualTo(model("decoder2"));
    }

    @Test
    void whatHasFinishedIsLeftAsItIs() throws IOException {
        byte[] state = Files.readAllBytes(shared.resolve("run/stages.json"));
        Object time = Files.getLastModifiedTime(shared.resolve("run/model/model.safetensors"));
        Outcome again = aim(RUN + "run");
        assertThat(again.exit()).isZero();
        assertThat(again.err().lines().filter(l -> l.contains(": done before, "))).hasSize(6);
        assertThat(Files.readAllBytes(shared.resolve("run/stages.json"))).isEqualTo(state);
        assertThat((Object) Files.getLastModifiedTime(shared.resolve("run/model/model.safetensors"))).isEqualTo(time);
    }

    @Test
    void whatWasCutShortGoesOnToTheSameModel() throws IOException {
        assertThat(aim(RUN + "cut --only tokenizer").exit()).isZero();
        Path state = shared.resolve("cut/stages.json");
        String finished = Files.readString(state);
        Files.writeString(state, finished.replaceFirst("\"finished\" : true", "\"finished\" : false"));
        Outcome rest = aim(RUN + "cut");
        assertThat(rest.exit()).isZero();
        assertThat(rest.err()).doesNotContain("done before");
        assertThat(model("cut")).isEqualTo(model("run"));
    }

    @Test
    void aModelsRecipeShownAsAFileMakesItAgain() throws IOException {
        Outcome shown = aim("recipe show DIR/run/model");
        assertThat(shown.exit()).isZero();
        Files.writeString(shared.resolve("shown.yaml"), shown.out() + "\nexport:\n  dtype: bf16\n");
        assertThat(aim("recipe check DIR/shown.yaml").exit()).isZero();
        assertThat(aim("recipe run DIR/shown.yaml --data DIR/idx --threads 1 --out DIR/again").exit()).isZero();
        assertThat(model("again")).isEqualTo(model("run"));
    }

    @Test
    void aRunIsNotContinuedByAnotherRecipe() throws IOException {
        byte[] state = Files.readAllBytes(shared.resolve("run/stages.json"));
        Outcome other = aim(RUN + "run --set model.seed=2");
        assertThat(other.exit()).isEqualTo(ExitCode.FAILED);
        assertThat(other.err()).contains("stage model was made with model.seed 1, expected 2", "name another --out");
        assertThat(Files.readAllBytes(shared.resolve("run/stages.json"))).isEqualTo(state);
    }

    @Test
    void aStageIsRepeatedByTheRecipeOfAModelOrAFile() throws IOException {
        String stage =
                "train lm --data DIR/run/codes --tokenizer DIR/run/vq/model --sample-every 0 --threads 1 --out DIR/";
        assertThat(aim(stage + "lm1 --recipe DIR/run/model").exit()).isZero();
        assertThat(aim(stage + "lm2 --recipe DIR/tiny.yaml").exit()).isZero();
        Path weights = Path.of("model/model.safetensors");
        byte[] expected = Files.readAllBytes(shared.resolve("run/lm").resolve(weights));
        assertThat(Files.readAllBytes(shared.resolve("lm1").resolve(weights))).isEqualTo(expected);
        assertThat(Files.readAllBytes(shared.resolve("lm2").resolve(weights))).isEqualTo(expected);
        Outcome other = aim(stage + "lm3 --recipe DIR/tiny.yaml --seed 5");
        assertThat(other.exit()).isZero();
        assertThat(other.err()).contains("aim: train lm: --seed 5 instead of 1 (", "tiny.yaml:");
        assertThat(Files.readAllBytes(shared.resolve("lm3").resolve(weights))).isNotEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "version: 2                                       | bad.yaml:1: version: 2 (expected 1; ",
        "name: a                                          | bad.yaml:1: no version (expected ",
        "version: 1                                       | no section data (expected one with kind: fashion-mnist, ",
        "version: 1;dada: {}                              | bad.yaml:2: dada: unknown section (expected one of data, ",
        "version: 1;data: 5                               | bad.yaml:2: 5 (expected data: a map of options)",
        "version: 1;data: {kind: mnist}                   | bad.yaml:2: kind: mnist (expected one of fashion-mnist, ",
        "version: 1;data: {kind: folder, count: 3}        | bad.yaml:2: count: unknown (expected path, ",
        "version: 1;data: {kind: folder};codes: {}        | section codes without section tokenizer (expected both)",
        "version: 1;data: {kind: folder};tokenizer:; stepps: 5 | bad.yaml:4: stepps: unknown option (expected one of ",
        "version: 1;data: {kind: folder};tokenizer:; steps: [5, 6] | bad.yaml:4: steps: a list (expected one value)",
        "version: 1;data: {kind: folder};tokenizer:; steps: many | bad.yaml:4: Invalid value for option '--steps'",
        "version: 1;data: {kind: folder};tokenizer:; steps: 0 | bad.yaml:4: --steps: 0 (expected at least 1)",
        "version: 1;data: {kind: folder};tokenizer:; data: x | bad.yaml:4: tokenizer.data: given in a recipe (leave it out",
        "version: 1;data: {kind: folder};tokenizer:; threads: 3 | bad.yaml:4: tokenizer.threads: given in a recipe",
        "version: 1;data: {kind: folder};tokenizer:; flip: perhaps | bad.yaml:4: flip: perhaps (expected true or false)",
        "version: 1;data: {kind: folder};data: {kind: folder} | bad.yaml:3",
        "version: 1;data: {kind: folder};features: {steps: 1};tokenizer:; perceptual: random; steps: 1 | bad.yaml:5: tokenizer.p",
        "version: 1;data: &a {kind: folder}               | bad.yaml:2: an anchor, alias or tag (expected plain values)",
        "version: 1;data: !!map {kind: folder}            | bad.yaml:2: an anchor, alias or tag (expected plain values)",
        "version: 1;data: {kind: {a: {b: c}}}             | bad.yaml:2: nested too deep",
        "version: [1                                      | not YAML: ",
        "''                                               | bad.yaml:1: nothing (expected a map of version, name and ",
    })
    void aBadFileIsRefusedByItsLine(String text, String message) throws IOException {
        Files.writeString(shared.resolve("bad.yaml"), text.replace(';', '\n') + "\n");
        for (String command : List.of("check DIR/bad.yaml", "run DIR/bad.yaml --data DIR/idx --out DIR/nothing")) {
            Outcome refused = aim("recipe " + command);
            assertThat(refused.exit()).isEqualTo(ExitCode.FAILED);
            assertThat(refused.err()).hasLineCount(1).contains(message);
        }
        assertThat(shared.resolve("nothing")).doesNotExist();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "recipe                                         | action: none given, expected one of run, check, show",
        "recipe run DIR/tiny.yaml --out DIR/nothing     | --data: not given, and ",
        "recipe run DIR/tiny.yaml --data DIR/idx --out DIR/tiny.yaml | is a file, expected a folder",
        "recipe run DIR/no.yaml --out DIR/nothing       | no.yaml",
        "recipe run DIR/tiny.yaml --data DIR/idx --out DIR/nothing --only codes | --only: codes, but tokenizer has not",
        "recipe run DIR/tiny.yaml --data DIR/idx --out DIR/nothing --only data  | --only: data (expected one of tokenizer, ",
        "recipe run DIR/tiny.yaml --data DIR/idx --out DIR/nothing --set steps  | --set: steps (expected SECTION.OPTION=",
        "recipe run DIR/tiny.yaml --data DIR/idx --out DIR/nothing --set a.b=c  | section a is not in ",
        "recipe run DIR/tiny.yaml --data DIR/idx --out DIR/nothing --set model.x=c | x: unknown option",
        "recipe show DIR/nothing                        | nothing",
        "train lm --data DIR/run/codes --tokenizer DIR/run/vq/model --out DIR/nothing --recipe DIR/run/vq/model | no stage lm",
    })
    void wrongUsageIsAnswered(String command, String message) {
        Outcome refused = aim(command);
        assertThat(refused.exit()).isIn(ExitCode.FAILED, ExitCode.USAGE);
        assertThat(refused.err()).hasLineCount(1).contains(message);
        assertThat(shared.resolve("nothing")).doesNotExist();
    }
}
