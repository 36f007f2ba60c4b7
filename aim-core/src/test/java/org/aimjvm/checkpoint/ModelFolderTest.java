package org.aimjvm.checkpoint;

import static org.aimjvm.ModelFiles.HEAD;
import static org.aimjvm.ModelFiles.TINY;
import static org.aimjvm.ModelFiles.WORD;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.aimjvm.AiM;
import org.aimjvm.ModelFiles;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.TensorSource;
import org.aimjvm.io.TorchFiles;
import org.aimjvm.io.TorchFiles.Values;
import org.aimjvm.vq.VqConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every layout that loads, and what is said about those that do not. */
class ModelFolderTest {
    @TempDir private Path dir;

    /** Everything reads as the tiny model, bit for bit. */
    private static void assertIsTiny(ModelFolder folder) {
        folder.check();
        assertThat(folder.config()).isEqualTo(ModelFiles.CONFIG);
        assertThat(folder.vqConfig()).isEqualTo(ModelFiles.VQ);
        Map<String, Values> expected = ModelFiles.tensors();
        try (TensorSource tensors = folder.tensors()) {
            assertThat(tensors.names()).containsExactlyInAnyOrderElementsOf(expected.keySet());
            expected.forEach((name, v) -> assertThat(tensors.readFloats(name)).as(name).isEqualTo(v.elements()));
            assertThat(folder.readModel(Backends.best()).config()).isEqualTo(ModelFiles.CONFIG);
            assertThat(folder.readTokenizer(Backends.best()).config()).isEqualTo(ModelFiles.VQ);
        }
    }

    private static String bare(String name) {
        return name.substring(name.indexOf('.') + 1);
    }

    /** Layouts of one file by name. */
    static Stream<Arguments> layouts() {
        Map<String, Values> published = ModelFiles.tensors();
        Map<String, Map<String, Values>> all = new TreeMap<>();
        all.put("published", published);
        all.put("sequence model without mamba.",
                ModelFiles.renamed(published, n -> n.startsWith("mamba.") ? bare(n) : n));
        all.put("both without prefix", ModelFiles.renamed(published, ModelFolderTest::bare));
        all.put("tied head under the head's name", ModelFiles.renamed(published, n -> n.equals(WORD) ? HEAD : n));
        all.put(
                "tied head under the head's name, without mamba.",
                ModelFiles.renamed(published, n -> n.equals(WORD) ? bare(HEAD) : n));
        Map<String, Values> both = new LinkedHashMap<>(published);
        both.put(HEAD, published.get(WORD));
        all.put("tied head under both names", both);
        Map<String, Values> training = ModelFiles.renamed(published, n -> "model." + n);
        training.put("optimizer.state.0.exp_avg", ModelFiles.values(1, 2));
        training.put("step", ModelFiles.values(7));
        all.put("under model. beside an optimiser", training);
        Map<String, Values> averaged = ModelFiles.renamed(published, n -> "ema." + bare(n));
        averaged.putAll(ModelFiles.renamed(published, n -> "model." + n));
        averaged.replaceAll(
                (n, v) -> n.startsWith("model.") ? new Values(v.shape(), new float[v.elements().length]) : v);
        all.put("averages under ema. before model.", averaged);
        all.put("under state_dict.module.", ModelFiles.renamed(published, n -> "state_dict.module." + n));
        all.put("compiled", ModelFiles.renamed(published, n -> "_orig_mod." + n));
        all.put("compiled inside", ModelFiles.renamed(published, n -> n.replaceFirst("\\.", "._orig_mod.")));
        all.put("compiled, parallel, saved under a key",
                ModelFiles.renamed(published, n -> "model_state_dict.module._orig_mod." + bare(n)));
        all.put("wrapped three times", ModelFiles.renamed(published, n -> "model.net._orig_mod.module.model." + n));
        all.put("under a key of the program's own", ModelFiles.renamed(published, n -> "my_weights." + n));
        Map<String, Values> gan = ModelFiles.renamed(published, n -> "generator." + n);
        gan.put("discriminator.main.0.weight", ModelFiles.values(1, 2));
        gan.put("optimizer_d.state.0.exp_avg", ModelFiles.values(1, 2));
        all.put("beside a discriminator", gan);
        Map<String, Values> beside = new LinkedHashMap<>(published);
        beside.put("optimizer.state.0.exp_avg", ModelFiles.values(1, 2));
        all.put("beside an optimiser", beside);
        Map<String, Values> noStatistics = new LinkedHashMap<>(published);
        all.put("complete", noStatistics);
        return all.entrySet().stream().map(e -> Arguments.of(e.getKey(), e.getValue()));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("layouts")
    void everyLayoutLoadsFromEveryContainer(String name, Map<String, Values> tensors) {
        ModelFiles.folder(dir.resolve("folder"), tensors);
        ModelFiles.bytes(dir.resolve("zip/pytorch_model.bin"), TorchFiles.zip(tensors));
        ModelFiles.bytes(dir.resolve("zip/model.pt"), new byte[] {1}); // looked for later
        ModelFiles.bytes(dir.resolve("legacy/any.name"), TorchFiles.legacy(tensors));
        ModelFiles.configs(dir.resolve("zip"));
        ModelFiles.configs(dir.resolve("legacy"));
        for (String model : new String[] {"folder", "folder/model.safetensors", "zip", "legacy/any.name"}) {
            try (ModelFolder folder = ModelFolder.open(dir.resolve(model))) {
                assertIsTiny(folder);
                assertThat(folder.path()).isEqualTo(dir.resolve(model.replaceAll("/.*", "")).toAbsolutePath());
                assertThat(folder.info()).isEqualTo(ModelInfo.PUBLISHED);
            }
        }
    }

    @Test
    void severalFilesWithAnIndexLoadAsOne() throws Exception {
        Map<String, Values> tensors = ModelFiles.tensors();
        for (String ending : new String[] {"safetensors", "bin"}) {
            String stem = ending.equals("bin") ? "pytorch_model" : "model";
            Path folder = dir.resolve(ending);
            Map<String, String> index = sharded(folder, stem, ending, tensors);
            ModelFiles.configs(folder);
            try (ModelFolder opened = ModelFolder.open(folder)) {
                assertIsTiny(opened);
            }
            try (ModelFolder opened = ModelFolder.open(folder.resolve(stem + "." + ending + ".index.json"))) {
                assertIsTiny(opened);
            }
            Path gone = folder.resolve(index.values().iterator().next());
            Files.move(gone, folder.resolve("elsewhere"));
            assertThatThrownBy(() -> ModelFolder.open(folder)).isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("missing 1 of 2 files: " + gone.getFileName());
        }
    }

    /** Writes {@code tensors} into two files and an index; returns what the index says. */
    private static Map<String, String> sharded(
            Path folder, String stem, String ending, Map<String, Values> tensors) {
        Map<String, String> index = new TreeMap<>();
        Map<String, Map<String, Values>> files = new TreeMap<>();
        tensors.forEach((name, v) -> {
            String file = stem + (index.size() % 2 == 0 ? "-00001-of-00002." : "-00002-of-00002.") + ending;
            index.put(name, file);
            files.computeIfAbsent(file, _ -> new LinkedHashMap<>()).put(name, v);
        });
        files.forEach((file, part) -> {
            if (ending.equals("bin")) {
                ModelFiles.bytes(folder.resolve(file), TorchFiles.zip(part));
            } else {
                ModelFiles.safetensors(folder.resolve(file), part);
            }
        });
        index(folder.resolve(stem + "." + ending + ".index.json"), index);
        return index;
    }

    private static void index(Path file, Map<String, String> map) {
        String entries = map.entrySet().stream()
                .map(e -> "\"" + e.getKey() + "\": \"" + e.getValue() + "\"")
                .collect(Collectors.joining(", "));
        ModelFiles.text(file, "{\"metadata\": {\"total_size\": 12}, \"weight_map\": {" + entries + "}}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"../secret.safetensors", "/etc/passwd", "a/b.safetensors", "..", "", "a:b", "c\\\\d"})
    void anIndexNamesOnlyFilesBesideIt(String file) {
        index(dir.resolve("model.safetensors.index.json"), Map.of("x", file));
        assertThatThrownBy(() -> ModelFolder.open(dir)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("expected the name of a file beside the index");
    }

    @Test
    void anIndexThatDoesNotFitItsFilesIsRefused() {
        Path file = dir.resolve("model.safetensors.index.json");
        Map<String, String> index = sharded(dir, "model", "safetensors", ModelFiles.tensors());
        String first = index.keySet().iterator().next();
        String shard = index.remove(first);
        index(file, index);
        assertThatThrownBy(() -> ModelFolder.open(dir)).hasMessageContaining(shard).hasMessageContaining(first);
        index.put("mamba.not_there", shard);
        index.put(first, shard);
        index(file, index);
        assertThatThrownBy(() -> ModelFolder.open(dir)).hasMessageContaining("mamba.not_there: no such tensor");
        ModelFiles.text(file, "{\"weight_map\": {}}");
        assertThatThrownBy(() -> ModelFolder.open(dir)).hasMessageContaining("weight_map: 0 files");
        ModelFiles.text(file, "{\"weight_map\": {\"x\": 3}}");
        assertThatThrownBy(() -> ModelFolder.open(dir)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("expected a text");
    }

    @Test
    void modelsUnderSeveralUnusualKeysAreAmbiguous() {
        Map<String, Values> two = ModelFiles.renamed(ModelFiles.tensors(), n -> "teacher." + n);
        two.putAll(ModelFiles.renamed(ModelFiles.tensors(), n -> "student." + n));
        ModelFiles.folder(dir, two);
        assertThatThrownBy(() -> ModelFolder.open(dir)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("models under student and teacher, expected one");
    }

    @Test
    void theTokenizerMayBeInAFileOfItsOwn() {
        Map<String, Values> tensors = ModelFiles.tensors();
        Map<String, Values> sequence = ModelFiles.part(tensors, "mamba.");
        Map<String, Values> tokenizer = ModelFiles.part(tensors, "vqvae.");
        ModelFiles.safetensors(dir.resolve("a/model.safetensors"), sequence);
        ModelFiles.configs(dir.resolve("a"));
        Map<String, Values> wrong = new LinkedHashMap<>(sequence); // its own tokenizer is another
        wrong.put("vqvae.quant_conv.bias", ModelFiles.values(1, 2, 3));
        ModelFiles.folder(dir.resolve("b"), wrong);
        ModelFiles.bytes(dir.resolve("t/vq.pt"),
                TorchFiles.zip(ModelFiles.renamed(tokenizer, n -> "model." + bare(n))));
        ModelFiles.configs(dir.resolve("t"));
        ModelFiles.folder(dir.resolve("whole"), tensors);
        for (String model : new String[] {"a", "b", "whole"}) {
            for (String vq : new String[] {"t/vq.pt", "whole"}) {
                try (ModelFolder folder = ModelFolder.open(dir.resolve(model), dir.resolve(vq))) {
                    assertIsTiny(folder);
                }
            }
        }
        try (ModelFolder folder = ModelFolder.open(dir.resolve("t/vq.pt"))) {
            assertThat(folder.hasModel()).isFalse();
            assertThat(folder.config()).isNull();
            folder.check();
            folder.readTokenizer(Backends.best());
            assertThatThrownBy(() -> folder.readModel(Backends.best())).hasMessageContaining("no sequence model");
        }
        try (ModelFolder folder = ModelFolder.open(dir.resolve("a"))) {
            assertThat(folder.hasTokenizer()).isFalse();
            folder.check();
            folder.readModel(Backends.best());
            assertThatThrownBy(() -> folder.readTokenizer(Backends.best())).hasMessageContaining("no tokenizer");
        }
        assertThatThrownBy(() -> ModelFolder.open(dir.resolve("a"), dir.resolve("none")))
                .isInstanceOf(CheckpointException.class).hasMessageContaining("none");
    }

    @Test
    void statisticsMayBeMissing() {
        Map<String, Values> tensors = ModelFiles.tensors();
        tensors.remove("vqvae.quantize.codebook_used");
        try (ModelFolder folder = ModelFolder.open(ModelFiles.folder(dir, tensors))) {
            folder.check();
            folder.readTokenizer(Backends.best());
        }
    }

    @Test
    void everyKindOfMismatchIsNamedAtOnce() {
        Map<String, Values> tensors = ModelFiles.tensors();
        tensors.remove("mamba.backbone.norm_f.weight");
        tensors.remove("vqvae.quant_conv.bias");
        tensors.put("mamba.backbone.layers.1.mixer.D", ModelFiles.values(1, 2, 3));
        tensors.put("vqvae.decoder.conv_out.weight", new Values(Shape.of(1, 2), new float[2]));
        tensors.put("mamba.backbone.layers.2.norm.weight", ModelFiles.values(1));
        tensors.put("some\u001b.thing", ModelFiles.values(1, 2));
        try (ModelFolder folder = ModelFolder.open(ModelFiles.folder(dir, tensors))) {
            assertThatThrownBy(folder::check)
                    .isInstanceOf(CheckpointException.class)
                    .hasMessage(dir.resolve("model.safetensors")
                            + ": 6 tensors do not fit the configuration (is this another model's checkpoint or config.json?):"
                            + " 2 missing: mamba.backbone.norm_f.weight (16), vqvae.quant_conv.bias (4);"
                            + " 2 of another shape: mamba.backbone.layers.1.mixer.D (3) (expected (8)),"
                            + " vqvae.decoder.conv_out.weight (1, 2) (expected (3, 4, 3, 3));"
                            + " 2 unexpected: mamba.backbone.layers.2.norm.weight (1), some?.thing (2)");
            assertThatThrownBy(() -> folder.readModel(Backends.best())).hasMessageContaining("3 tensors do not fit");
        }
        assertThatThrownBy(() -> AiM.load(dir)).hasMessageContaining("6 tensors do not fit");
    }

    @Test
    void withoutItsConfigurationATokenizerIsTakenForF16() throws Exception {
        ModelFiles.folder(dir, ModelFiles.tensors());
        Files.delete(dir.resolve("vq_config.json"));
        try (ModelFolder folder = ModelFolder.open(dir)) {
            assertThat(folder.vqConfig()).isEqualTo(VqConfig.f16());
            assertThatThrownBy(folder::check)
                    .hasMessageContaining(
                            "do not fit the configuration (there is no vq_config.json, so the tokenizer is taken for VQ-f16):")
                    .hasMessageContaining("missing: ")
                    .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(5000).doesNotContain("\n"));
        }
    }

    @Test
    void aHeadThatIsNotTheWordEmbeddingIsNoTiedHead() {
        Map<String, Values> tensors = ModelFiles.tensors();
        float[] other = tensors.get(WORD).elements().clone();
        other[5] = Math.nextUp(other[5]);
        tensors.put(HEAD, new Values(tensors.get(WORD).shape(), other));
        try (ModelFolder folder = ModelFolder.open(ModelFiles.folder(dir, tensors))) {
            assertThatThrownBy(folder::check)
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining(HEAD + ": differs from " + WORD)
                    .hasMessageContaining("tie_embeddings");
            assertThatThrownBy(() -> folder.readModel(Backends.best())).hasMessageContaining("differs from");
        }
    }

    @Test
    void configurationsMayBeNested() throws Exception {
        ModelFiles.folder(dir, ModelFiles.tensors());
        ModelFiles.text(
                dir.resolve("config.json"),
                "{\"model_type\": \"aim\", \"config\": " + Files.readString(dir.resolve("config.json")) + "}");
        try (ModelFolder folder = ModelFolder.open(dir)) {
            assertIsTiny(folder);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "config.json|DELETE|config.json: no such file, expected the configuration",
                "config.json|{\"d_model\": NaN}|config.json: not JSON",
                "config.json|{\"d_model\": 16|config.json: not JSON",
                "config.json|{} {}|config.json: not JSON",
                "config.json|[]|config.json: not a JSON object",
                "config.json|{\"d_model\": \"16\"}|config.json: d_model: \"16\" (expected a whole number)",
                "config.json|{\"d_model\": 1e400}|config.json: d_model",
                "config.json|{\"token_drop\": 1e400}|token_drop",
                "config.json|{\"ssm_cfg\": {\"layer\": \"Mamba2\", \"d_model\": 3}}|ssm_cfg.d_model: 3 (expected d_model 1024)",
                "config.json|{\"ssm_cfg\": {\"layer\": \"Mamba2\", \"activation\": \"relu\"}}|ssm_cfg.activation: relu",
                "config.json|{\"ssm_cfg\": {\"layer\": \"Mamba2\", \"dt_max\": 1e400}}|ssm_cfg.dt_max",
                "config.json|{\"ssm_cfg\": {\"layer\": \"Mamba2\", \"d_state\": 2147483647}}|ssm_cfg.d_state: 2147483647",
                "config.json|{\"d_model\": 16384, \"n_layer\": 4096}|tensors do not fit",
                "config.json|{\"d_model\": 65536, \"n_layer\": 4096}|asks for a tensor that cannot exist",
                "config.json|{\"d_model\": 65536, \"vocab_size\": 16777216}|asks for a tensor that cannot exist, shape: [16777216, 65536]",
                "config.json|{\"n_layer\": 2, \"attn_layer_idx\": [0, 0, 0], \"attn_cfg\": {\"num_heads\": 4}}|attn_layer_idx: 3 layers",
                "config.json|{\"attn_layer_idx\": [0], \"attn_cfg\": {\"num_heads\": 65536, \"head_dim\": 65536}}|attn_cfg.head_dim: 65536",
                "config.json|{}|tensors do not fit",
                "vq_config.json|{\"ch\": 0}|vq_config.json: ch: 0 (expected 1 to",
                "vq_config.json|{\"ch_mult\": [1, 1.5]}|vq_config.json: ch_mult",
                "vq_config.json|{\"norm_eps\": 1e300}|norm_eps: 1e300 (expected a number of 32 bits)",
                "vq_config.json|{\"ch\": 16384, \"ch_mult\": [256, 256], \"norm_groups\": 1}|asks for a tensor that cannot exist",
                "aim.json|{\"classes\": [\"a\", \"b\"]}|aim.json: classes: 2 names (expected num_classes 5, or none)",
                "aim.json|{\"classes\": [1]}|aim.json: classes: [1] (expected a list of texts)",
                "aim.json|{\"position_rule\": \"other\"}|aim.json: position_rule: other",
                "aim.json|{\"defaults\": {\"top_p\": 2}}|aim.json: top-p: 2.0",
                "aim.json|{\"defaults\": {\"cfg_scale\": 1e99}}|aim.json: defaults.cfg_scale",
                "aim.json|null|aim.json: not a JSON object",
            })
    void damagedConfigurationsAreOneLine(String file, String content, String message) throws Exception {
        ModelFiles.folder(dir, ModelFiles.tensors());
        if (content.equals("DELETE")) {
            Files.delete(dir.resolve(file));
        } else {
            ModelFiles.text(dir.resolve(file), content);
        }
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        assertThatThrownBy(() -> AiM.load(dir))
                .isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith(dir.toString())
                .hasMessageContaining(message)
                .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(4000).doesNotContain("\n"));
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(200 << 20);
    }

    @Test
    void filesThatAreNoModelAreNamed() throws Exception {
        Files.createDirectories(dir.resolve("empty"));
        assertThatThrownBy(() -> ModelFolder.open(dir.resolve("empty")))
                .hasMessageContaining(
                        "no weights in this folder (expected one of model.safetensors, pytorch_model.bin");
        assertThatThrownBy(() -> ModelFolder.open(dir.resolve("none.safetensors")))
                .isInstanceOf(CheckpointException.class).hasMessageContaining("none.safetensors");
        ModelFiles.safetensors(dir.resolve("other.safetensors"), Map.of("x", ModelFiles.values(1)));
        assertThatThrownBy(() -> ModelFolder.open(dir.resolve("other.safetensors")))
                .hasMessageContaining("neither a sequence model nor a tokenizer").hasMessageContaining("there is x)");
        ModelFiles.folder(dir.resolve("long"), ModelFiles.tensors());
        ModelFiles.bytes(dir.resolve("long/config.json"), new byte[(1 << 24) + 1]);
        assertThatThrownBy(() -> ModelFolder.open(dir.resolve("long")))
                .hasMessageContaining("config.json: 16777217 bytes, expected a text of at most");
        ModelFiles.bytes(dir.resolve("long/config.json"), new byte[] {(byte) 0xff, (byte) 0xfe, '{', '}'});
        assertThatThrownBy(() -> ModelFolder.open(dir.resolve("long"))).hasMessageContaining("cannot be read as text");
        Files.delete(dir.resolve("long/config.json"));
        Files.createDirectories(dir.resolve("long/config.json"));
        assertThatThrownBy(() -> ModelFolder.open(dir.resolve("long")))
                .isInstanceOf(CheckpointException.class).hasMessageContaining("config.json");
    }

    @Test
    void embeddedModelsAreFoundByName() {
        assertThat(ModelFolder.embedded()).contains("golden-e2e").doesNotContain("listed-but-absent", "");
        assertThat(ModelFolder.isEmbedded("golden-e2e")).isTrue();
        for (String name : new String[] {"listed-but-absent", "", "../models/golden-e2e", "golden-e2e/",
            "Golden-e2e"}) {
            assertThat(ModelFolder.isEmbedded(name)).as(name).isFalse();
            assertThatThrownBy(() -> ModelFolder.openEmbedded(name)).isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("golden-e2e");
        }
        try (ModelFolder embedded = ModelFolder.open("golden-e2e");
                ModelFolder file = ModelFolder.open(ModelFiles.golden("e2e"))) {
            embedded.check();
            assertThat(embedded.config()).isEqualTo(file.config());
            assertThat(embedded.vqConfig()).isEqualTo(file.vqConfig());
            assertThat(embedded.tensors().names()).isEqualTo(file.tensors().names());
        }
    }

    @Test
    void tinyIsNotTrivial() {
        assertThat(TINY.params().count()).isGreaterThan(5000);
    }
}
