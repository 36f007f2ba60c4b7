package org.aimjvm.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.aimjvm.ModelFiles;
import org.aimjvm.TinyAim;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.backend.WeightMatrix;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.QuantizedTensors;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Params;
import org.aimjvm.sample.Guidance;
import org.aimjvm.sample.SamplingOptions;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is written loads back bit for bit, is in the published layout, and appears whole or not at all. */
class ModelFolderWriteTest {
    private static final ModelInfo INFO = new ModelInfo(
            List.of("one", "two", "three", "four/five", "six"), PositionRule.PUBLISHED_TRAINING,
            new Guidance(1.5f, 3), new SamplingOptions(0.9f, 7, 0.95f, 0.01f),
            Recipe.text("aim train lm --seed 3\n\"quoted\""));

    @TempDir private Path dir;

    private static List<String> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void whatIsWrittenLoadsBackBitForBit() throws IOException {
        for (AimConfig config : List.of(TinyAim.plain(), TinyAim.hybrid())) {
            for (int channels : new int[] {1, 3}) {
                VqConfig vq = TinyAim.vq(channels);
                TinyAim tiny = TinyAim.of(config, vq, Backends.best());
                Path folder = dir.resolve("m" + config.nLayer() + channels).resolve("deeper");
                ModelWriter.write(folder, config, vq, INFO, tiny.params().all(), DType.F32);
                assertThat(files(folder)).containsExactly("aim.json", "config.json", "model.safetensors",
                        "vq_config.json");
                assertThat(files(folder.getParent())).containsExactly("deeper");
                try (ModelFolder read = ModelFolder.open(folder)) {
                    read.check();
                    assertThat(read.config()).isEqualTo(config);
                    assertThat(read.vqConfig()).isEqualTo(vq);
                    assertThat(read.info()).isEqualTo(INFO);
                    assertThat(read.tensors().names())
                            .containsExactlyInAnyOrderElementsOf(tiny.params().all().keySet());
                    tiny.params().all().forEach((name, t) -> {
                        assertThat(read.tensors().readFloats(name)).as(name).isEqualTo(t.toFloats());
                        assertThat(read.tensors().info(name).dtype()).isEqualTo(DType.F32);
                    });
                }
            }
        }
    }

    @Test
    void theLayoutIsThePublishedOne() throws IOException {
        AimConfig config = TinyAim.plain();
        ModelWriter.write(dir, config, TinyAim.vq(3), INFO, ModelFiles.TINY.params().all(), DType.F32);
        try (SafeTensors file = SafeTensors.open(dir.resolve("model.safetensors"));
                SafeTensors golden = SafeTensors.open(ModelFiles.golden("e2e/model.safetensors"))) {
            assertThat(file.metadata()).containsEntry(ModelFiles.HEAD, ModelFiles.WORD).containsEntry("format", "pt");
            assertThat(golden.metadata()).containsEntry(ModelFiles.HEAD, ModelFiles.WORD);
            assertThat(file.names()).contains(ModelFiles.WORD, "vqvae.quantize.codebook_used")
                    .doesNotContain(ModelFiles.HEAD)
                    .allMatch(n -> n.startsWith("mamba.") || n.startsWith("vqvae."));
            assertThat(file.info("vqvae.quantize.codebook_used").shape().toArray()).containsExactly(65536);
        }
        assertThat(keys(dir.resolve("config.json"))).isEqualTo(keys(ModelFiles.golden("e2e/config.json"))).isSorted();
        assertThat(keys(dir.resolve("vq_config.json"))).isEqualTo(keys(ModelFiles.golden("e2e/vq_config.json")));
        TinyAim untied = TinyAim.of(TinyAim.hybrid(), TinyAim.vq(3), Backends.best());
        ModelWriter.write(dir, TinyAim.hybrid(), TinyAim.vq(3), INFO, untied.params().all(), DType.F32);
        try (SafeTensors file = SafeTensors.open(dir.resolve("model.safetensors"))) {
            assertThat(file.metadata()).doesNotContainKey(ModelFiles.HEAD);
            assertThat(file.names()).contains(ModelFiles.WORD, ModelFiles.HEAD);
        }
    }

    /** Keys of the outermost object, in the file's order. */
    private static List<String> keys(Path json) throws IOException {
        return Pattern.compile("(?m)^ {2}\"(\\w+)\" ?:").matcher(Files.readString(json)).results().map(m -> m.group(1))
                .toList();
    }

    @Test
    void narrowTypesRoundWeightsButNotStatistics() {
        Map<String, Tensor> tensors = ModelFiles.TINY.params().all();
        for (DType dtype : List.of(DType.BF16, DType.F16)) {
            ModelWriter.write(dir, TinyAim.plain(), TinyAim.vq(3), INFO, tensors, dtype);
            try (ModelFolder read = ModelFolder.open(dir)) {
                assertThat(read.tensors().info(ModelFiles.WORD).dtype()).isEqualTo(dtype);
                assertThat(read.tensors().info("vqvae.quantize.codebook_used").dtype()).isEqualTo(DType.F32);
                float[] exact = tensors.get(ModelFiles.WORD).toFloats();
                float[] rounded = read.tensors().readFloats(ModelFiles.WORD);
                for (int i = 0; i < exact.length; i++) {
                    assertThat(Math.abs(rounded[i] - exact[i])).isLessThanOrEqualTo(Math.abs(exact[i]) / 256 + 1e-7f);
                }
                read.check();
            }
        }
    }

    @Test
    void partsAreWrittenAlone() throws IOException {
        Map<String, Tensor> all = ModelFiles.TINY.params().all();
        Map<String, Tensor> model = new LinkedHashMap<>(all);
        model.keySet().removeIf(n -> !n.startsWith("mamba."));
        Map<String, Tensor> tokenizer = new LinkedHashMap<>(all);
        tokenizer.keySet().removeIf(n -> !n.startsWith("vqvae."));
        ModelWriter.write(dir.resolve("m"), TinyAim.plain(), null, INFO, model, DType.F32);
        ModelWriter.write(dir.resolve("t"), null, TinyAim.vq(3), ModelInfo.PUBLISHED, tokenizer, DType.F32);
        assertThat(files(dir.resolve("m"))).containsExactly("aim.json", "config.json", "model.safetensors");
        assertThat(files(dir.resolve("t"))).containsExactly("aim.json", "model.safetensors", "vq_config.json");
        try (ModelFolder both = ModelFolder.open(dir.resolve("m"), dir.resolve("t"))) {
            both.check();
            assertThat(both.info()).isEqualTo(INFO);
        }
    }

    @Test
    void tensorsThatAreNotTheConfigurationsAreRefused() throws IOException {
        Map<String, Tensor> tensors = new LinkedHashMap<>(ModelFiles.TINY.params().all());
        Tensor norm = tensors.remove("mamba.backbone.norm_f.weight");
        tensors.put("mamba.extra", norm);
        assertThatThrownBy(() -> ModelWriter.write(dir, TinyAim.plain(), TinyAim.vq(3), INFO, tensors, DType.F32))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("1 missing: mamba.backbone.norm_f.weight (16); 1 unexpected: mamba.extra (16)");
        assertThatThrownBy(() -> ModelWriter.write(dir, null, null, INFO, Map.of(), DType.F32))
                .hasMessageContaining("no configuration");
        assertThat(files(dir)).isEmpty();
    }

    @Test
    void aFailureLeavesNothingNewAndEverythingOld() throws IOException {
        Path fresh = dir.resolve("fresh");
        Path used = dir.resolve("used");
        ModelWriter.write(used, TinyAim.plain(), TinyAim.vq(3), INFO, ModelFiles.TINY.params().all(), DType.F32);
        Files.writeString(used.resolve("notes.txt"), "mine");
        byte[] before = Files.readAllBytes(used.resolve("model.safetensors"));
        for (Path folder : List.of(fresh, used)) {
            SafeTensorsWriter file = new SafeTensorsWriter();
            ModelFiles.TINY.params().all().forEach((name, t) -> file.floats(name, DType.F32, t.shape(), () -> {
                if (name.endsWith("norm_f.weight")) {
                    throw new IllegalStateException("disk on fire");
                }
                return t.toFloats();
            }));
            assertThatThrownBy(
                    () -> ModelWriter.write(folder, TinyAim.plain(), TinyAim.vq(3), ModelInfo.PUBLISHED, file))
                    .hasMessage("disk on fire");
        }
        assertThat(files(dir)).containsExactly("used");
        assertThat(files(used)).containsExactly("aim.json", "config.json", "model.safetensors", "notes.txt",
                "vq_config.json");
        assertThat(Files.readAllBytes(used.resolve("model.safetensors"))).isEqualTo(before);

        ModelWriter.write(used, TinyAim.plain(), TinyAim.vq(3), ModelInfo.PUBLISHED, ModelFiles.TINY.params().all(),
                DType.BF16);
        assertThat(files(used)).containsExactly("aim.json", "config.json", "model.safetensors", "notes.txt",
                "vq_config.json");
        assertThat(Files.readString(used.resolve("notes.txt"))).isEqualTo("mine");
        try (ModelFolder read = ModelFolder.open(used)) {
            assertThat(read.info()).isEqualTo(ModelInfo.PUBLISHED);
        }
        Path file = dir.resolve("file");
        Files.writeString(file, "x");
        assertThatThrownBy(() -> ModelWriter.write(
                file, TinyAim.plain(), TinyAim.vq(3), INFO, ModelFiles.TINY.params().all(), DType.F32))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("is a file, expected a folder");
    }

    @Test
    void aCopyWithOtherTensorsKeepsTheRestAsItIsStored() {
        String changed = "vqvae.decoder.conv_in.weight";
        for (String format : List.of("F32", "BF16", "INT8", "INT4")) {
            Path start = dir.resolve(format);
            SafeTensorsWriter file = new SafeTensorsWriter().metadata(QuantizedTensors.METADATA, format);
            Params params = ModelFiles.TINY.params();
            params.all().forEach((name, t) -> {
                if (params.matrices().contains(name)) {
                    QuantizedTensors.add(
                            file, name, t.shape(), WeightFormat.valueOf(format),
                            () -> new WeightMatrix.Floats(t.dim(0), t.dim(1), WeightFormat.F32, t::toFloats));
                } else {
                    file.floats(
                            name, format.equals("F32") || name.endsWith("used") ? DType.F32 : DType.BF16, t.shape(),
                            t::toFloats);
                }
            });
            ModelWriter.write(start, TinyAim.plain(), TinyAim.vq(3), INFO, file);
            Tensor other = Tensor.full(Backends.best(), params.all().get(changed).shape(), 0.1f);
            ModelInfo info = INFO.withClassNames(List.of("a", "b", "c", "d", "e"));
            Path copy = dir.resolve(format + "-copy");
            try (ModelFolder from = ModelFolder.open(start)) {
                ModelWriter.write(copy, from, info, Map.of(changed, other));
                assertThatThrownBy(() -> ModelWriter.write(dir.resolve("bad"), from, info, Map.of("vqvae.x", other)))
                        .hasMessageContaining("vqvae.x");
                try (ModelFolder read = ModelFolder.open(copy)) {
                    read.check();
                    assertThat(read.info()).isEqualTo(info);
                    assertThat(read.config()).isEqualTo(from.config());
                    assertThat(read.vqConfig()).isEqualTo(from.vqConfig());
                    assertThat(read.tensors().names()).isEqualTo(from.tensors().names());
                    assertThat(read.tensors().metadata()).isEqualTo(from.tensors().metadata());
                    for (String name : from.tensors().names()) {
                        boolean same = !name.equals(changed);
                        assertThat(read.tensors().readFloats(name)).as(name)
                                .isEqualTo(same ? from.tensors().readFloats(name) : other.toFloats());
                        assertThat(read.tensors().storedAs(name)).as(name)
                                .isEqualTo(same ? from.tensors().storedAs(name) : "F32");
                    }
                }
            }
            assertThat(dir.resolve("bad")).doesNotExist();
        }
    }
}
