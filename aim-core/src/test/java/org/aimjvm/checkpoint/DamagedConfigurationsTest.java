package org.aimjvm.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.aimjvm.ModelFiles;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.TensorSource;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Mismatch;
import org.aimjvm.nn.Params;
import org.aimjvm.sample.Guidance;
import org.aimjvm.sample.SamplingOptions;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Thousands of configurations damaged at random, reproducible by their seed: each either describes the model that the
 * weights are, or is a {@link CheckpointException} of one line; nothing else ever comes out.
 */
class DamagedConfigurationsTest {
    private static final int FILES = 3000;
    private static final List<String> PIECES = List.of(
            "NaN", "-", "1e999", "1e-999", "null", "true", "\"text\"", "[]", "{}", "[1,2,3]", "2147483647",
            "-2147483648",
            "9223372036854775808", "65536", "0", "-1", "0.5", "4096", "16777216", "\\u0000", "\"", "{", "}", ",", ":",
            "inf",
            "\"inf\"", "Infinity", "1".repeat(1001), "[".repeat(40), "\u00ff");

    @TempDir private Path dir;

    @BeforeEach
    void model() {
        ModelFiles.folder(dir, ModelFiles.tensors());
        ModelInfo info = new ModelInfo(
                List.of("a", "b", "c", "d", "e"), PositionRule.SEQUENCE_INDEX,
                new Guidance(1, 2), SamplingOptions.PLAIN, Recipe.text("recipe"));
        ModelFiles.text(dir.resolve(ModelInfo.FILE), info.toJson());
        ModelFiles.text(dir.resolve("config.json"),
                """
                        {"adaln_group": false, "attn_cfg": {"num_heads": 4}, "attn_layer_idx": [], "d_intermediate": 0, "d_model": 16,
                         "n_layer": 2, "num_classes": 5, "num_groups": 1, "num_tokens": 16, "rms_norm": true, "tie_embeddings": true,
                         "ssm_cfg": {"d_state": 8, "headdim": 4, "layer": "Mamba2", "dt_limit": [0.0, "inf"], "A_init_range": [1, 16],
                                     "dt_min": 0.001, "conv_bias": true, "ngroups": 1, "expand": 2, "d_conv": 4},
                         "token_drop": 0.1, "vocab_size": 23}
                        """);
    }

    private static String damaged(String text, SplittableRandom random) {
        StringBuilder s = new StringBuilder(text);
        int times = 1 + random.nextInt(3);
        for (int i = 0; i < times && !s.isEmpty(); i++) {
            int at = random.nextInt(s.length());
            switch (random.nextInt(6)) {
                case 0 -> s.setLength(at);
                case 1 -> s.deleteCharAt(at);
                case 2 -> s.setCharAt(at, (char) random.nextInt(1, 128));
                case 3 -> s.insert(at, PIECES.get(random.nextInt(PIECES.size())));
                case 4 -> replaceValue(s, at, PIECES.get(random.nextInt(PIECES.size())));
                default -> s.insert(at, s.substring(at, Math.min(s.length(), at + 1 + random.nextInt(30))));
            }
        }
        return s.toString();
    }

    /** Replaces what follows the next colon, up to a comma or the end of the line. */
    private static void replaceValue(StringBuilder s, int from, String by) {
        int colon = s.indexOf(":", from);
        if (colon >= 0) {
            int end = colon + 1;
            while (end < s.length() && s.charAt(end) != ',' && s.charAt(end) != '\n' && s.charAt(end) != '}') {
                end++;
            }
            s.replace(colon + 1, end, by);
        }
    }

    /** What reading a folder does with a configuration, without opening the weights every time. */
    private void read(String name, String text, TensorSource tensors) {
        Path file = dir.resolve(name);
        switch (name) {
            case "config.json" -> {
                AimConfig config = AimConfigJson.parse(text, file);
                assertThat(AimConfigJson.parse(AimConfigJson.toJson(config), file)).isEqualTo(config);
                requireFit(tensors.select(CanonicalNames::isModel), file,
                        p -> new AimModel(p.sub(AimModel.NAME), config, PositionRule.SEQUENCE_INDEX));
            }
            case "vq_config.json" -> {
                VqConfig config = VqConfigJson.parse(text, file);
                assertThat(VqConfigJson.parse(VqConfigJson.toJson(config), file)).isEqualTo(config);
                requireFit(tensors.select(CanonicalNames::isTokenizer), file,
                        p -> new VqModel(p.sub(VqModel.NAME), config));
            }
            default -> {
                ModelInfo info = ModelInfo.parse(text, file);
                assertThat(ModelInfo.parse(info.toJson(), file)).isEqualTo(info);
            }
        }
    }

    private static void requireFit(TensorSource tensors, Path file, Consumer<Params> build) {
        Mismatch mismatch = Params.compare(tensors, build);
        if (!mismatch.isEmpty()) {
            throw new CheckpointException(file, null, mismatch.toString());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"config.json", "vq_config.json", "aim.json"})
    void damageIsReportedOrHarmless(String name) throws IOException {
        Path file = dir.resolve(name);
        String good = Files.readString(file);
        int valid = 0;
        try (TensorSource tensors = SafeTensors.open(dir.resolve(ModelFolder.WEIGHTS))) {
            for (int seed = 0; seed < FILES; seed++) {
                String text = damaged(good, new SplittableRandom(seed));
                try {
                    read(name, text, tensors);
                    valid++;
                    if (valid % 20 == 0) {
                        open(file, text);
                    }
                } catch (CheckpointException e) {
                    assertThat(e.getMessage()).as("seed %d", seed).startsWith(dir.toString()).hasSizeLessThan(6000);
                } catch (RuntimeException e) {
                    throw new AssertionError("seed " + seed + ": " + text, e);
                }
            }
        }
        assertThat(valid).as("some damage is harmless, most is not").isBetween(10, FILES * 2 / 3);
    }

    private void open(Path file, String text) throws IOException {
        Files.writeString(file, text);
        try (ModelFolder folder = ModelFolder.open(dir)) {
            folder.check();
        }
    }
}
