package org.aimjvm.checkpoint;

import static org.aimjvm.ModelFiles.TINY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aimjvm.ModelFiles;
import org.aimjvm.TinyAim;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.TorchFiles;
import org.aimjvm.io.TorchFiles.Values;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Params;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqFreeze;
import org.aimjvm.vq.VqModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a training begins from: which weights, with which rows for which classes. */
class FineTuningTest {
    private static final Backend BACKEND = Backends.best();
    private static final List<String> OLD = List.of("Cat", "dog", "crane", "red fox", "crane");

    @TempDir private Path dir;

    private Path folder() {
        return ModelFiles.folder(dir.resolve("model"), ModelFiles.tensors());
    }

    private static AimModel read(Path path, List<String> classes, ClassRows rows, long seed) {
        AimConfig as = TinyAim.plain().toBuilder().numClasses(classes.size()).build();
        try (ModelFolder folder = ModelFolder.open(path)) {
            return FineTuning.model(folder, BACKEND, as, PositionRule.SEQUENCE_INDEX, rows, seed, Params.Freeze.NONE);
        }
    }

    private static float[] row(Tensor table, int row) {
        int dim = table.dim(1);
        return Arrays.copyOfRange(table.toFloats(), row * dim, (row + 1) * dim);
    }

    @Test
    void classesFindTheirRowsByNameWhateverTheCaseAndTheOthersStartAnew() {
        List<String> names = List.of("fish", "DOG", "cat", "Crane", "fox", "crane", "crane");
        ClassRows rows = ClassRows.of(ClassRows.Rule.BY_NAME, OLD, 5, names);
        assertThat(rows.rows()).containsExactly(-1, 1, 0, 2, -1, 4, -1);
        assertThat(rows.summary(names)).isEqualTo("4 of 5 classes taken over, 3 new: fish, fox, crane");
        AimModel model = read(folder(), names, rows, 3);
        AimModel fresh = new AimModel(
                Params.random(BACKEND, 3).sub(AimModel.NAME), model.config(), PositionRule.SEQUENCE_INDEX);
        Tensor old = TINY.params().all().get(AimModel.CLASS_TABLE);
        Tensor table = model.params().all().get(AimModel.CLASS_TABLE);
        Tensor anew = fresh.params().all().get(AimModel.CLASS_TABLE);
        assertThat(table.shape().toArray()).containsExactly(8, 16);
        for (int label = 0; label < names.size(); label++) {
            int from = rows.rows().get(label);
            assertThat(row(table, label)).isEqualTo(from < 0 ? row(anew, label) : row(old, from));
        }
        assertThat(row(table, 7)).isEqualTo(row(old, 5)); // the null class
        model.params().all().forEach((name, t) -> {
            if (!name.equals(AimModel.CLASS_TABLE)) {
                assertThat(t.toFloats()).as(name).isEqualTo(TINY.params().all().get(name).toFloats());
            }
        });
        assertThat(read(folder(), names, rows, 4).params().all().get(AimModel.CLASS_TABLE).toFloats())
                .isNotEqualTo(table.toFloats());
    }

    @Test
    void theSameClassesAreTheSameModel() {
        ClassRows kept = ClassRows.of(ClassRows.Rule.KEEP, List.of(), 5, OLD);
        assertThat(kept.summary(OLD)).isEqualTo("5 of 5 classes taken over, 0 new");
        for (ClassRows rows : List.of(kept, ClassRows.of(ClassRows.Rule.BY_NAME, OLD, 5, OLD))) {
            read(folder(), OLD, rows, 3).params().all().forEach(
                    (name, t) -> assertThat(t.toFloats()).isEqualTo(TINY.params().all().get(name).toFloats()));
        }
        assertThat(ClassRows.of(ClassRows.Rule.NEW, OLD, 5, OLD).fresh()).isEqualTo(5);
    }

    @Test
    void theUsualRuleIsByNameWhereThereAreNames() {
        assertThat(ClassRows.usual(OLD, 5, List.of("a"))).isEqualTo(ClassRows.Rule.BY_NAME);
        assertThat(ClassRows.usual(List.of(), 5, OLD)).isEqualTo(ClassRows.Rule.KEEP);
        assertThat(ClassRows.usual(List.of(), 5, List.of("a"))).isEqualTo(ClassRows.Rule.NEW);
    }

    @Test
    void rulesThatCannotBeFollowedAreRefused() {
        assertThatThrownBy(() -> ClassRows.of(ClassRows.Rule.KEEP, OLD, 5, List.of("a", "b")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("classes: keep 5 for 2 new ones (expected as many; by-name takes those that are known, new"
                        + " none)");
        assertThatThrownBy(() -> ClassRows.of(ClassRows.Rule.BY_NAME, List.of(), 5, OLD))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("classes: by-name of a model whose 5 classes have no names (expected keep or new)");
        assertThatThrownBy(() -> new ClassRows(List.of(0, 5), 5)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("class: 5 (expected 0 to 4, or -1 for a new one)");
        assertThatThrownBy(() -> new ClassRows(List.of(), 5)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> read(folder(), List.of("a"), new ClassRows(List.of(0, 1), 5), 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("classes: rows for 2 (expected num_classes 1)");
    }

    /** A training program's file: averages that differ from the weights by one. */
    private Path training(boolean averages) {
        Map<String, Values> tokenizer = ModelFiles.part(ModelFiles.tensors(), "vqvae.");
        Map<String, Values> all = new LinkedHashMap<>();
        tokenizer.forEach((name, v) -> all.put("model._orig_mod." + name.substring(6), v));
        all.put("discriminator.main.0.weight", ModelFiles.values(1, 2));
        all.put("optimizer.state.0.exp_avg", ModelFiles.values(3, 4));
        if (averages) {
            tokenizer.forEach((name, v) -> {
                float[] more = v.elements().clone();
                for (int i = 0; i < more.length; i++) {
                    more[i] += 1;
                }
                all.put("ema." + name.substring(6), new Values(v.shape(), more));
            });
        }
        ModelFiles.bytes(dir.resolve("run.pt"), TorchFiles.zip(all));
        ModelFiles.configs(dir);
        return dir.resolve("run.pt");
    }

    @ParameterizedTest
    @CsvSource({"ANY, true, 1", "EMA, true, 1", "MODEL, true, 0", "ANY, false, 0", "MODEL, false, 0"})
    void averagedWeightsComeFirstUnlessOthersAreAskedFor(WeightsCopy copy, boolean averages, float more) {
        String name = "vqvae.decoder.conv_out.weight";
        try (ModelFolder folder = ModelFolder.open(training(averages).toString(), copy)) {
            folder.check();
            VqModel model = FineTuning.tokenizer(folder, BACKEND, folder.vqConfig(), Params.Freeze.NONE);
            float[] expected = TINY.params().all().get(name).toFloats();
            for (int i = 0; i < expected.length; i++) {
                expected[i] += more;
            }
            assertThat(model.params().all().get(name).toFloats()).isEqualTo(expected);
        }
    }

    @Test
    void averagesThatAreNotThereAreRefused() {
        String file = training(false).toString();
        assertThatThrownBy(() -> ModelFolder.open(file, WeightsCopy.EMA)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("no averaged weights (expected some under ema or model_ema;");
        assertThatThrownBy(() -> ModelFolder.open(folder().toString(), WeightsCopy.EMA))
                .isInstanceOf(CheckpointException.class).hasMessageContaining("no ema.safetensors");
        assertThatThrownBy(() -> ModelFolder.open("golden-e2e", WeightsCopy.EMA))
                .isInstanceOf(CheckpointException.class).hasMessageContaining("no averaged weights");
        assertThatThrownBy(() -> ModelFolder.open(dir.resolve("none").toString(), WeightsCopy.ANY))
                .isInstanceOf(CheckpointException.class).hasMessageContaining("no such file or folder");
    }

    @Test
    void weightsOfLossesMayDifferFromTheCheckpointAndNothingElse() {
        try (ModelFolder folder = ModelFolder.open(folder())) {
            VqConfig as = folder.vqConfig().toBuilder().commitBeta(0.5f).entropyLossRatio(0.1f).build();
            VqModel model = FineTuning.tokenizer(folder, BACKEND, as, new VqFreeze(List.of("encoder")));
            assertThat(model.config()).isEqualTo(as);
            assertThat(model.params().frozen()).isNotEmpty();
            VqConfig other = folder.vqConfig().toBuilder().nEmbed(7).build();
            assertThatThrownBy(() -> FineTuning.tokenizer(folder, BACKEND, other, Params.Freeze.NONE))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("vqvae.quantize.embedding.weight (23, 4) (expected (7, 4))");
        }
    }

    @Test
    void theChecksumIsThatOfTheFile() throws IOException, NoSuchAlgorithmException {
        Path path = folder();
        byte[] bytes = Files.readAllBytes(path.resolve("model.safetensors"));
        String expected = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        try (ModelFolder folder = ModelFolder.open(path)) {
            assertThat(folder.sha256()).isEqualTo(expected);
            assertThat(folder.hasInfo()).isFalse();
        }
        try (ModelFolder embedded = ModelFolder.openEmbedded("golden-e2e")) {
            assertThat(embedded.sha256()).matches("[0-9a-f]{64}");
        }
    }
}
