package org.aimjvm.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.aimjvm.AiM;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.checkpoint.RecipeStage;
import org.aimjvm.cli.Outcome;
import org.aimjvm.cli.TinyData;
import org.aimjvm.command.ExitCode;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.StagedFolder;
import org.aimjvm.io.TensorSource;
import org.aimjvm.train.MetricsCsv;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code aim train decoder}: what comes out of it, how it goes on, what it refuses. */
class DecoderCommandTest {
    private static final String DECODER =
            "train decoder --model DIR/lm/model --data DIR/data --size 8 --class-names cat,dog,red_fox --batch 6"
                    + " --lr 3e-3 --report-every 0 --sample-every 0 --draw-batch 7";

    @TempDir private static Path shared;
    @TempDir private Path dir;

    @BeforeAll
    static void prepare() throws IOException {
        TinyData.idx(shared.resolve("data"));
        TinyData.files(shared.resolve("files"));
        TinyData.model(shared.resolve("colour"));
        String quiet = " --sample-every 0 --validate-every 0 ";
        assertThat(aim("train vq --data DIR/data --out DIR/vq --steps 4" + quiet + TinyData.VQ).exit()).isZero();
        assertThat(aim("tokenize --data DIR/data --size 8 --class-names cat,dog,red_fox --model DIR/vq/model --out"
                + " DIR/codes").exit()).isZero();
        assertThat(aim("train lm --data DIR/codes --tokenizer DIR/vq/model --out DIR/lm --steps 4" + quiet
                + TinyData.LM).exit()).isZero();
    }

    private static Outcome aim(String text) {
        return Outcome.of(Outcome.words(shared, text));
    }

    private Outcome aimHere(String text) {
        return aim(text.replace("OUT", dir.toString()));
    }

    private static Map<String, float[]> weights(Path model) {
        try (TensorSource file = SafeTensors.open(model.resolve("model.safetensors"))) {
            return file.names().stream().collect(Collectors.toMap(n -> n, file::readFloats));
        }
    }

    private static void assertOnlyTheDecoderMoved(Path from, Path to) {
        Map<String, float[]> before = weights(from);
        Map<String, float[]> after = weights(to);
        assertThat(after.keySet()).isEqualTo(before.keySet());
        after.forEach((name, values) -> assertThat(Arrays.equals(values, before.get(name))).as(name)
                .isEqualTo(!name.startsWith("vqvae.decoder.") && !name.startsWith("vqvae.post_quant_conv.")));
    }

    @Test
    void theResultIsTheWholeModelWithAnotherDecoder() {
        Outcome o = aimHere(DECODER + " --steps 5 --validate-every 5 --out OUT/run");
        assertThat(o.err()).isEmpty();
        assertThat(o.exit()).isZero();
        Path model = dir.resolve("run/model");
        assertThat(o.out()).isEqualTo(model + System.lineSeparator());
        assertOnlyTheDecoderMoved(shared.resolve("lm/model"), model);
        assertThat(AiM.load(model).generate("red fox").codes())
                .isEqualTo(AiM.load(shared.resolve("lm/model")).generate("red fox").codes());
        assertThat(aimHere("generate --model OUT/run/model --label dog --out OUT/dog.png").exit()).isZero();
        Map<Integer, Map<String, Double>> table = MetricsCsv.read(dir.resolve("run/metrics.csv"));
        List<String> measures =
                List.of("validation_loss", "validation_psnr", "validation_reconstruction_psnr");
        assertThat(table.get(0).keySet()).containsExactlyElementsOf(measures); // before the first step
        assertThat(table.get(5)).containsKeys(measures.toArray(String[]::new)).containsKey("reconstruction");
        try (ModelFolder start = ModelFolder.open(shared.resolve("lm/model"));
                ModelFolder result = ModelFolder.open(model)) {
            assertThat(result.info().classNames()).containsExactly("cat", "dog", "red_fox");
            List<RecipeStage> stages = result.info().recipe().stages();
            assertThat(stages.subList(0, stages.size() - 1)).isEqualTo(start.info().recipe().stages());
            RecipeStage last = stages.getLast();
            assertThat(last.stage()).isEqualTo("decoder");
            assertThat(last.begunFrom()).isEqualTo(new RecipeStage.BegunFrom("model", start.sha256(), ""));
            assertThat(last.options()).contains(
                    Map.entry("forced", 0.7), Map.entry("model", "model"), Map.entry("loss", "l2"))
                    .doesNotContainKeys("draw-batch", "out", "count");
        }
    }

    @Test
    void lossesOfStageOneAndMorePairsThanPictures() {
        Outcome o = aimHere(DECODER.replace("--size 8", "--size 8") + " --steps 3 --count 40 --forced 0.5 --cfg-scale 2"
                + " --top-k 4 --loss l1 --adversarial hinge --disc-layers 1 --disc-channels 4 --adaptive-weight"
                + " --out OUT/run");
        assertThat(o.err()).isEmpty();
        assertThat(o.exit()).isZero();
        assertThat(MetricsCsv.read(dir.resolve("run/metrics.csv")).get(3)).containsKeys(
                "adversarial", "adaptive_weight", "discriminator_loss");
        assertOnlyTheDecoderMoved(shared.resolve("lm/model"), dir.resolve("run/model"));
    }

    @Test
    void aRunGoesOnBitwise() {
        String command = DECODER + " --steps 5 --checkpoint-every 2 --keep 9 --out OUT/";
        assertThat(aimHere(command + "whole").exit()).isZero();
        assertThat(aimHere(command + "run").exit()).isZero();
        for (String gone : List.of("run/model", "run/step-00000004", "run/step-00000005", "run/codes")) {
            StagedFolder.delete(dir.resolve(gone)); // the codes are drawn again, the same
        }
        assertThat(aimHere(command + "run").err()).contains("holds a run").contains("--resume");
        assertThat(aimHere(command + "run --resume --forced 0.6").err()).contains("data: ");
        Outcome o = aimHere(command + "run --resume");
        assertThat(o.err()).isEmpty();
        assertThat(o.exit()).isZero();
        assertThat(weights(dir.resolve("run/model"))).usingRecursiveComparison()
                .isEqualTo(weights(dir.resolve("whole/model")));
        Map<Integer, Map<String, Double>> whole = MetricsCsv.read(dir.resolve("whole/metrics.csv"));
        Map<Integer, Map<String, Double>> resumed = MetricsCsv.read(dir.resolve("run/metrics.csv"));
        assertThat(resumed.keySet()).isEqualTo(whole.keySet());
        assertThat(resumed.get(5).get("loss")).isEqualTo(whole.get(5).get("loss"));
        assertThat(resumed.get(0)).isEqualTo(whole.get(0));
    }

    /** As AiM and LlamaGen publish them: a sequence model without a tokenizer, which comes in a file of its own. */
    @Test
    void modelAndTokenizerMayBeApart() throws IOException {
        Path apart = dir.resolve("aim");
        Files.createDirectories(apart);
        for (String part : List.of("mamba.", "vqvae.")) {
            SafeTensorsWriter file = new SafeTensorsWriter();
            try (TensorSource all = SafeTensors.open(shared.resolve("lm/model/model.safetensors"))) {
                all.names().stream().filter(n -> n.startsWith(part)).forEach(n -> file.floats(
                        part.equals("vqvae.") ? n.substring(part.length()) : n, all.info(n).dtype(),
                        all.info(n).shape(),
                        () -> all.readFloats(n)));
                file.write(part.equals("mamba.") ? apart.resolve("model.safetensors") : dir.resolve(
                        "vq/vq_ds2.safetensors"));
            }
        }
        Files.copy(shared.resolve("lm/model/config.json"), apart.resolve("config.json"));
        Files.copy(shared.resolve("lm/model/vq_config.json"), dir.resolve("vq/vq_config.json"));
        String command = DECODER.replace("DIR/lm/model", "OUT/aim/model.safetensors") + " --steps 2 --out OUT/run";
        assertThat(aimHere(command).err()).hasLineCount(1).contains("no tokenizer").contains("--tokenizer");
        Outcome o = aimHere(command + " --tokenizer OUT/vq/vq_ds2.safetensors");
        assertThat(o.err()).isEmpty();
        assertOnlyTheDecoderMoved(shared.resolve("lm/model"), dir.resolve("run/model"));
        assertThat(aimHere("generate --model OUT/run/model --label 1 --out OUT/1.png").exit()).isZero();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--forced 1.5 | 2 | --forced: 1.5 (expected 0 to 1)",
        "--count 0 | 2 | --count: 0 (expected at least 1)",
        "--draw-batch 5000 | 2 | --draw-batch: 5000 (expected at most 4096)",
        "--top-p 2 | 2 | top-p: 2.0 (expected above 0",
        "--adaptive-weight | 2 | --adaptive-weight: given without --adversarial",
        "--adversarial hinge --disc-layers 6 | 2 | --disc-layers: 6 for pictures of 8 x 8 (expected at most",
        "--size 12 | 2 | --size: 12 (expected 8, as ",
        "--class-names cat,dog,cow | 2 | --data: class cow is none of ",
        "--model DIR/colour | 2 | --data: pictures with 1 channels (expected 3 for ",
        "--model DIR/vq/model | 1 | no sequence model (expected tensors mamba.*",
        "--model DIR/none | 1 | no such file or folder",
        "--count 5 | 2 | --batch: 6 (expected at most the 5 training pictures)",
        "--data DIR/none | 2 | no such folder",
    })
    void whatCannotBeIsRefusedInOneLineBeforeAnyWork(String option, int exit, String message) {
        String name = option.split(" ")[0];
        String command = DECODER.replaceFirst(" " + name + " \\S+", "") + " " + option;
        Outcome o = aimHere(command + " --steps 2 --out OUT/run");
        assertThat(o.err()).contains(message);
        assertThat(o.err().lines().filter(l -> l.contains("expected") || l.startsWith("aim:"))).hasSize(1);
        assertThat(o.exit()).isEqualTo(exit == 2 ? ExitCode.USAGE : ExitCode.FAILED);
        assertThat(dir.resolve("run/codes")).doesNotExist();
        assertThat(dir.resolve("run/model")).doesNotExist();
    }
}
