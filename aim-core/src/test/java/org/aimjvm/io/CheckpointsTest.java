package org.aimjvm.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointsTest {
    @TempDir Path folder;

    private Path with(String name, DType dtype, String metadata) {
        Path path = folder.resolve(name);
        new SafeTensorsWriter()
                .metadata("from", metadata)
                .floats(name + ".weight", dtype, Shape.of(2), () -> new float[] {1, 2})
                .ints(name + ".steps", DType.I64, Shape.of(), () -> new int[] {7})
                .write(path);
        return path;
    }

    @ParameterizedTest
    @ValueSource(strings = {"variants.safetensors", "variants_zip.pt", "variants_zip_newer.pt", "variants_legacy.pt"})
    void theContentDecidesNotTheEnding(String name) throws IOException {
        Path path = folder.resolve("no-ending");
        Files.copy(FormatsGolden.file(name), path);
        try (TensorSource file = Checkpoints.open(path)) {
            FormatsGolden.assertIsVariants(file);
            assertThat(file.path()).isEqualTo(path);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "''|empty file",
                "hello|unknown format",
                "hello, this is no checkpoint|unknown format",
                "version https://git-lfs.github.com/spec/v1|git lfs pull",
                "<!doctype html>|a web page",
                "PK\u0003\u0004 and so on|zip directory missing"
            })
    void otherFilesAreNamedForWhatTheyAre(String content, String message) throws IOException {
        Path path = folder.resolve("x.safetensors");
        Files.writeString(path, content);
        assertThatThrownBy(() -> Checkpoints.open(path))
                .isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith(path + ": ")
                .hasMessageContaining(message);
    }

    @Test
    void viewsRenameSelectAndPrefix() {
        try (TensorSource file = Checkpoints.open(with("a", DType.F32, "a"))) {
            assertThat(file.sub("a.").names()).containsExactlyInAnyOrder("weight", "steps");
            assertThat(file.sub("a.").readFloats("weight")).containsExactly(1, 2);
            assertThat(file.sub("b.").names()).isEmpty();
            assertThat(file.withPrefix("vqvae.").readInts("vqvae.a.steps")).containsExactly(7);
            assertThat(file.withPrefix("vqvae.").readLongs("vqvae.a.steps")).containsExactly(7);
            assertThat(file.select(n -> n.endsWith("steps")).names()).containsExactly("a.steps");
            TensorInfo info = file.renamed(n -> n.replace('.', '/')).info("a/weight");
            assertThat(info).isEqualTo(new TensorInfo("a/weight", DType.F32, Shape.of(2)));
            assertThat(file.select(n -> false).contains("a.weight")).isFalse();
            assertThat(file.sub("a.").metadata()).containsEntry("from", "a");
            assertThatThrownBy(() -> file.sub("a.").info("a.weight")).hasMessageContaining("no such tensor");
            assertThatThrownBy(() -> file.renamed(n -> "same")).isInstanceOf(CheckpointException.class);
        }
    }

    @Test
    void twoFilesMergeIntoOne() {
        TensorSource a = Checkpoints.open(with("a", DType.F32, "first"));
        TensorSource b = Checkpoints.open(with("b", DType.BF16, "second"));
        TensorSource both = TensorSource.merge(a, b);
        assertThat(both.names()).containsExactlyInAnyOrder("a.weight", "a.steps", "b.weight", "b.steps");
        assertThat(both.info("b.weight").dtype()).isEqualTo(DType.BF16);
        assertThat(both.readFloats("b.weight")).containsExactly(1, 2);
        assertThat(both.metadata()).containsEntry("from", "first");
        assertThatThrownBy(() -> TensorSource.merge(both, b))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("the name is taken");
        both.close();
        assertThatThrownBy(() -> a.readFloats("a.weight")).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> b.readFloats("b.weight")).isInstanceOf(IllegalStateException.class);
    }
}
