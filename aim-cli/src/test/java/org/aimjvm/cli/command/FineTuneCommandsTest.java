package org.aimjvm.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.checkpoint.RecipeStage;
import org.aimjvm.cli.Outcome;
import org.aimjvm.cli.TinyData;
import org.aimjvm.command.ExitCode;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.StagedFolder;
import org.aimjvm.io.TensorSource;
import org.aimjvm.model.AimModel;
import org.aimjvm.train.RunFolder;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Training that begins from a model: what is taken, what stays, what is refused, how it goes on. */
class FineTuneCommandsTest {
    /** Options of the data, without those of the architecture. */
    private static final String VQ = "--data DIR/data --size 8 --batch 6 --lr 3e-3 --report-every 0 --sample-every 0";
    private static final String LM = "--data DIR/codes --batch 6 --lr 3e-3 --report-every 0 --sample-every 0";

    @TempDir private static Path shared;
    @TempDir private Path dir;

    @BeforeAll
    static void prepare() throws IOException {
        TinyData.idx(shared.resolve("data"));
        TinyData.model(shared.resolve("colour"));
        String quiet = " --sample-every 0 --validate-every 0 ";
        assertThat(aim("train vq --data DIR/data --out DIR/vq --steps 4" + quiet + TinyData.VQ).exit()).isZero();
        assertThat(aim("train vq --data DIR/data --out DIR/vq2 --seed 2 --steps 1" + quiet + TinyData.VQ).exit())
                .isZero();
        String tokenize = "tokenize --data DIR/data --size 8 --class-names ";
        assertThat(aim(tokenize + "cat,dog,red_fox --model DIR/vq/model --out DIR/codes").exit()).isZero();
        assertThat(aim(tokenize + "bird,Dog,CAT --model DIR/vq/model --out DIR/others").exit()).isZero();
        assertThat(aim(tokenize + "cat,dog,red_fox --model DIR/vq2/model --out DIR/strange").exit()).isZero();
        assertThat(aim(tokenize.replace("8", "12") + "a,b,c --model DIR/vq/model --out DIR/large").exit()).isZero();
        assertThat(aim("train lm --data DIR/codes --tokenizer DIR/vq/model --out DIR/lm --steps 4" + quiet
                + TinyData.LM).exit()).isZero();
    }

    private static Outcome aim(String text) {
        return Outcome.of(Outcome.words(shared, text));
    }

    /** As {@link #aim}, with OUT for the folder of one test. */
    private Outcome aimHere(String text) {
        return aim(text.replace("OUT", dir.toString()));
    }

    private static Map<String, float[]> weights(Path model) {
        try (TensorSource file = SafeTensors.open(model.resolve("model.safetensors"))) {
            return file.names().stream().collect(Collectors.toMap(n -> n, file::readFloats));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"vq/model", "lm/model", "vq/step-00000004", "vq/model/model.safetensors"})
    void aTokenizerGoesOnFromWhateverHoldsOneAndItsFrozenPartsKeepTheirBits(String start) {
        Outcome o =
                aimHere("train vq --init DIR/" + start + " --freeze encoder,codebook --steps 3 --out OUT/run " + VQ);
        assertThat(o.err()).isEmpty();
        assertThat(o.exit()).isZero();
        Path from = shared.resolve(start.replaceFirst("/model.safetensors", ""));
        Map<String, float[]> before = weights(from);
        if (start.contains("step")) {
            try (TensorSource averages = SafeTensors.open(from.resolve(RunFolder.EMA))) {
                averages.names().forEach(name -> before.put(name, averages.readFloats(name)));
            }
        }
        Map<String, float[]> after = weights(dir.resolve("run/model"));
        String encoder = "vqvae.encoder.conv_in.weight";
        assertThat(after.get(encoder)).isEqualTo(before.get(encoder));
        assertThat(after.get("vqvae.quantize.embedding.weight"))
                .isEqualTo(before.get("vqvae.quantize.embedding.weight"));
        assertThat(after.get("vqvae.decoder.conv_out.weight"))
                .isNotEqualTo(before.get("vqvae.decoder.conv_out.weight"));
        assertThat(after.keySet()).noneMatch(n -> n.startsWith("mamba."));
    }

    @Test
    void theRecipeSaysWhatTheModelBeganFrom() {
        aimHere("train vq --init DIR/vq/model --steps 1 --out OUT/run " + VQ);
        try (ModelFolder start = ModelFolder.open(shared.resolve("vq/model"));
                ModelFolder result = ModelFolder.open(dir.resolve("run/model"))) {
            Recipe recipe = result.info().recipe();
            assertThat(recipe.stages()).hasSize(2).startsWith(start.info().recipe().stages().getFirst());
            RecipeStage last = recipe.stages().getLast();
            assertThat(last.begunFrom()).isEqualTo(
                    new RecipeStage.BegunFrom("model", start.sha256(), "weights any"));
            assertThat(last.options()).contains(
                    Map.entry("init", "model"), Map.entry("steps", 1L), Map.entry("lr", 3e-3));
            assertThat(recipe.lines()).contains("# model: SHA-256 of the weights " + start.sha256());
            assertThat(result.vqConfig()).isEqualTo(start.vqConfig());
        }
    }

    @Test
    void classesTakeTheirRowsByNameUnlessToldOtherwise() {
        String command = "train lm --init DIR/lm/model --steps 1 --lr 0 --warmup 0 --ema 0 --out OUT/"; // nothing moves
        String rest = " " + LM.replace("--lr 3e-3 ", "").replace("/codes", "/others");
        float[] old = weights(shared.resolve("lm/model")).get(AimModel.CLASS_TABLE);
        Outcome named = aimHere(command + "named" + rest);
        assertThat(named.err()).isEqualTo("aim: --init " + shared.resolve("lm/model")
                + ": 2 of 3 classes taken over, 1 new: bird" + System.lineSeparator());
        float[] byName = weights(dir.resolve("named/model")).get(AimModel.CLASS_TABLE);
        assertThat(row(byName, 1)).isEqualTo(row(old, 1));
        assertThat(row(byName, 2)).isEqualTo(row(old, 0));
        assertThat(row(byName, 0)).isNotEqualTo(row(old, 0)).isNotEqualTo(row(old, 2));
        assertThat(row(byName, 3)).isEqualTo(row(old, 3));
        assertThat(aimHere(command + "kept --classes keep" + rest).err()).contains("3 of 3 classes taken over, 0 new");
        assertThat(weights(dir.resolve("kept/model")).get(AimModel.CLASS_TABLE)).isEqualTo(old);
        assertThat(aimHere(command + "new --classes new" + rest).err()).contains("0 of 3 classes taken over, 3 new");
        float[] anew = weights(dir.resolve("new/model")).get(AimModel.CLASS_TABLE);
        assertThat(row(anew, 0)).isEqualTo(row(byName, 0));
        assertThat(row(anew, 3)).isEqualTo(row(old, 3));
        try (ModelFolder result = ModelFolder.open(dir.resolve("named/model"))) {
            assertThat(result.info().classNames()).containsExactly("bird", "Dog", "CAT");
        }
    }

    private static float[] row(float[] table, int row) {
        return Arrays.copyOfRange(table, row * 16, (row + 1) * 16);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "train vq --init DIR/vq/model --freeze encoder " + VQ,
        "train lm --init DIR/lm/model --freeze blocks=0 --classes keep --tokenizer DIR/vq/model " + LM
    })
    void aRunGoesOnBitwiseWithoutWhatItBeganFromAndNotFromSomethingElse(String command) throws IOException {
        String here = command.replace("DIR/vq/model --freeze", "OUT/begin/model --freeze")
                .replace("DIR/lm/model", "OUT/begin/model")
                + " --steps 5 --checkpoint-every 2 --keep 9 --validate-every 0 --out OUT/";
        StagedFolder.delete(dir.resolve("begin"));
        copy(shared.resolve(command.contains("train vq") ? "vq/model" : "lm/model"), dir.resolve("begin/model"));
        assertThat(aimHere(here + "whole").exit()).isZero();
        assertThat(aimHere(here + "run").exit()).isZero();
        Map<String, float[]> expected = weights(dir.resolve("whole/model"));
        String recipe = recipe(dir.resolve("whole/model"));

        assertThat(aimHere(here.replace("OUT/begin/model", "DIR/colour") + "run --resume").err()).hasLineCount(1)
                .contains("--init: " + shared.resolve("colour")).contains("began from model (weights any")
                .contains("continue it with that, or without --init");
        copy(shared.resolve("colour"), dir.resolve("other/model")); // of the same last name
        assertThat(aimHere(here.replace("begin/model", "other/model") + "run --resume").exit())
                .isEqualTo(ExitCode.USAGE);
        for (String again : new String[] {here, here.replaceFirst("--init \\S+ ", "").replace("--classes keep ", "")}) {
            StagedFolder.delete(dir.resolve("run/model"));
            StagedFolder.delete(dir.resolve("run/step-00000004"));
            StagedFolder.delete(dir.resolve("run/step-00000005"));
            StagedFolder.delete(dir.resolve("begin"));
            Outcome o = aimHere(again + "run --resume");
            assertThat(o.err()).isEmpty();
            assertThat(o.exit()).isZero();
            assertThat(weights(dir.resolve("run/model"))).usingRecursiveComparison().isEqualTo(expected);
            assertThat(recipe(dir.resolve("run/model"))).isEqualTo(recipe);
        }
        assertThat(aimHere(here.replaceFirst("--freeze \\S+ ", "") + "run --resume").err())
                .contains("frozen: ").contains(" in the checkpoint, none asked for");
    }

    private static String recipe(Path model) {
        try (ModelFolder folder = ModelFolder.open(model)) {
            return folder.info().recipe().toFile();
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
    }

    @Test
    void aRunFromRandomWeightsIsNotContinuedFromAModel() {
        String command = "train vq --steps 1 --out OUT/run --data DIR/data " + TinyData.VQ;
        assertThat(aimHere(command).exit()).isZero();
        Outcome o = aimHere(command + " --resume --init DIR/vq/model");
        assertThat(o.exit()).isEqualTo(ExitCode.USAGE);
        assertThat(o.err()).hasLineCount(1).contains("began from random weights");
        assertThat(RunFolder.origin(RunFolder.latest(dir.resolve("run")).orElseThrow())).isEmpty();
    }

    @Test
    void aRunTakesOverDiscriminatorAndOptimizersAndGoesOnWithoutThem() throws IOException {
        String disc = " --adversarial hinge --disc-channels 4 --disc-layers 1 --validate-every 0 ";
        assertThat(aimHere("train vq --steps 3 --out OUT/first --sample-every 0 --data DIR/data " + TinyData.VQ + disc)
                .exit())
                .isZero();
        String command = "train vq --init OUT/first/step-00000003 --steps 3 --checkpoint-every 1 --keep 9 " + VQ + disc
                + "--out OUT/";
        Outcome state = aimHere(command + "run --init-optimizer");
        assertThat(state.err()).endsWith("first/step-00000003: discriminator taken over, with its optimiser"
                + System.lineSeparator());
        assertThat(aimHere(command + "weights").err()).hasLineCount(1).endsWith(": discriminator taken over"
                + System.lineSeparator());
        assertThat(aimHere(command + "new --new-discriminator").err()).isEmpty();
        assertThat(aimHere(command.replace("--disc-channels 4", "--disc-channels 8") + "wide").err()).hasLineCount(1)
                .contains("discriminator: ").contains("main.0.weight");
        assertThat(dir.resolve("wide")).doesNotExist();
        Map<String, float[]> expected = weights(dir.resolve("run/model"));
        assertThat(expected.get("vqvae.decoder.conv_out.weight"))
                .isNotEqualTo(weights(dir.resolve("weights/model")).get("vqvae.decoder.conv_out.weight"));
        for (String gone : new String[] {"run/model", "run/step-00000002", "run/step-00000003", "first"}) {
            StagedFolder.delete(dir.resolve(gone));
        }
        assertThat(aimHere(command + "run --resume").err()).contains("(weights model, optimizer)");
        Outcome resumed = aimHere(command + "run --init-optimizer --resume");
        assertThat(resumed.err()).isEmpty();
        assertThat(weights(dir.resolve("run/model"))).usingRecursiveComparison().isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "vq --init DIR/vq/model --init-optimizer    | --init-optimizer: --init DIR/vq/model holds no state of an optimiser",
        "vq --init DIR/vq/model --init-optimizer --init-weights ema | --init-optimizer: given with --init-weights ema",
        "vq --init-optimizer                        | --init-optimizer: given without --init",
        "vq --init DIR/none                         | DIR/none: no such file or folder",
        "vq --init DIR/data                         | DIR/data: no weights in this folder",
        "vq --init DIR/lm/step-00000004             | DIR/lm/step-00000004: no tokenizer",
        "vq --init DIR/vq/model --ch 8              | --ch: 8, but --init DIR/vq/model has 4 \\(expected none of them",
        "vq --init DIR/vq/model --codebook 9 --embed-dim 5 | --codebook: 9, .* has 8; --embed-dim: 5, .* has 4 ",
        "vq --init DIR/vq/model --preset vq-f16     | --preset vq-f16, ch: 128, but --init DIR/vq/model has 4",
        "vq --init DIR/colour                       | --data: pictures with 1 channels \\(expected 3, as --init DIR/colour",
        "vq --init DIR/vq/model --size 9            | pictures: 9 x 9 \\(expected multiples of 2",
        "vq --init DIR/vq/model --freeze encoders   | freeze: encoders \\(expected parts of a tokenizer",
        "vq --init DIR/vq/model --freeze encoder,codebook,decoder | freeze: encoder,codebook,decoder is all there is",
        "vq --init DIR/vq/model --init-weights both | Invalid value for option '--init-weights'",
        "vq --init-weights ema                      | --init-weights: given without --init",
        "vq --init DIR/vq/model --init-weights ema  | DIR/vq/model: no ema.safetensors",
        "lm --init DIR/vq/model                     | DIR/vq/model: no sequence model",
        "lm --init DIR/lm/model --layers 2          | --layers: 2, but --init DIR/lm/model has 1 ",
        "lm --init DIR/lm/model --mixer mamba1      | --mixer: mamba1, but --init DIR/lm/model has mamba2",
        "lm --init DIR/lm/model --preset aim-b      | --preset aim-b, d_model: 768, but --init DIR/lm/model has 16;",
        "lm --init DIR/lm/model --untied            | --untied: true, but --init DIR/lm/model has false",
        "lm --init DIR/lm/model --data DIR/large    | --data: 36 codes a picture \\(expected 16, as --init DIR/lm/model;",
        "lm --init DIR/lm/model --data DIR/strange  | --data: codes of another tokenizer than that of --init",
        "lm --init DIR/lm/model --freeze blocks=1   | freeze: blocks=1 \\(expected blocks from 0 to 0",
        "lm --init DIR/lm/model --freeze head       | freeze: head is tied to the table of codes",
        "lm --init DIR/lm/model --data DIR/others --freeze classes | --freeze: classes, of which 1 are new",
        "lm --init DIR/lm/model --classes some      | Invalid value for option '--classes'.*by-name",
        "lm --init DIR/lm/model --positions published_training | --positions: published_training, but --init .* trained",
        "lm --init DIR/lm/model --token-dropout 2   | token_drop: 2.0",
        "lm --classes keep                          | --classes: given without --init",
        "lm --other-tokenizer                       | --other-tokenizer: given without --init",
    })
    void whatDoesNotFitIsRefusedBeforeAnyWork(String options, String expected) {
        String defaults = options.startsWith("vq") ? VQ : LM;
        for (String option : options.split(" ")) {
            if (option.startsWith("--")) {
                defaults = defaults.replaceAll(option + " \\S+( |$)", "");
            }
        }
        Outcome o = aimHere("train " + options + " " + defaults + " --steps 1 --out OUT/run");
        assertThat(o.exit()).isNotZero();
        assertThat(o.out()).isEmpty();
        assertThat(o.err()).hasLineCount(1)
                .matches(Pattern
                        .compile("aim: (train (vq|lm): )?" + expected.replace("DIR", shared.toString()) + ".*\\R"));
        assertThat(dir).isEmptyDirectory();
    }

    @Test
    void codesOfAnotherTokenizerAreTakenWhenAskedFor() {
        Outcome o = aimHere("train lm --init DIR/lm/model --other-tokenizer --steps 1 --out OUT/run "
                + LM.replace("codes", "strange"));
        assertThat(o.exit()).isZero();
        assertThat(o.err()).contains("3 of 3 classes taken over").contains("aim: --init " + shared.resolve("lm/model")
                + ": its tokenizer is not copied into the result, it did not make the codes (name the one that did with");
        assertHasTokenizerOf(null, dir.resolve("run/model"));
    }

    /** Fails unless a model's tokenizer is bitwise that of {@code from}, or it has none and that is null. */
    private static void assertHasTokenizerOf(Path from, Path model) {
        Map<String, float[]> there = from == null ? Map.of() : tokenizer(from);
        assertThat(tokenizer(model)).usingRecursiveComparison().isEqualTo(there);
    }

    private static Map<String, float[]> tokenizer(Path model) {
        return weights(model).entrySet().stream().filter(e -> e.getKey().startsWith("vqvae."))
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    }

    @Test
    void theTokenizerOfTheModelComesAlongUnlessAnotherIsNamed() throws IOException {
        copy(shared.resolve("lm/model"), dir.resolve("begin"));
        String here =
                "train lm --init OUT/begin --classes keep --steps 4 --checkpoint-every 2 --keep 9 --out OUT/whole "
                        + LM.replace("--sample-every 0", "--sample-every 4");
        assertThat(aimHere(here).exit()).isZero();
        assertHasTokenizerOf(shared.resolve("vq/model"), dir.resolve("whole/model"));
        assertThat(dir.resolve("whole/init-tokenizer")).isDirectory();
        assertThat(dir.resolve("whole/samples/step-00000004.png")).exists();
        try (ModelFolder result = ModelFolder.open(dir.resolve("whole/model"))) {
            assertThat(result.info().recipe().stages()).extracting(RecipeStage::stage)
                    .containsExactly("codes", "vq", "lm", "lm");
        }
        String second = here.replace("whole", "second");
        assertThat(aimHere(second).exit()).isZero();
        for (String gone : new String[] {"begin", "second/model", "second/step-00000004"}) {
            StagedFolder.delete(dir.resolve(gone));
        }
        assertThat(aimHere(second.replace("--init OUT/begin --classes keep ", "") + " --resume").exit()).isZero();
        assertThat(weights(dir.resolve("second/model"))).usingRecursiveComparison()
                .isEqualTo(weights(dir.resolve("whole/model")));
        assertThat(recipe(dir.resolve("second/model"))).isEqualTo(recipe(dir.resolve("whole/model")));

        Outcome named =
                aimHere("train lm --init DIR/lm/model --other-tokenizer --tokenizer DIR/vq2/model --steps 1 --out"
                        + " OUT/named " + LM.replace("codes", "strange"));
        assertThat(named.exit()).isZero();
        assertThat(named.err()).doesNotContain("not copied");
        assertHasTokenizerOf(shared.resolve("vq2/model"), dir.resolve("named/model"));
        assertThat(dir.resolve("named/init-tokenizer")).doesNotExist();
    }

    @Test
    void codesThatDoNotSayTheirTokenizerBringNone() {
        assertThat(
                aimHere("tokenize --data DIR/data --size 8 --model DIR/vq/model --format llamagen --split train --out"
                        + " OUT/npy").exit())
                .isZero();
        Outcome o = aimHere("train lm --init DIR/lm/model --vocab 8 --classes keep --steps 1 --out OUT/run "
                + LM.replace("DIR/codes", "OUT/npy"));
        assertThat(o.exit()).as(o.err()).isZero();
        assertThat(o.err())
                .contains("its tokenizer is not copied into the result, the codes do not say whether it made");
        assertHasTokenizerOf(null, dir.resolve("run/model"));
    }
}
