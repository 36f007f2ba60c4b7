package org.aimjvm.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The PTX in the resources is what the sources compile to, and old enough for every driver of the CUDA 12 series. */
class PtxTest {
    private static final Path KERNELS = Path.of("..", "kernels");
    private static final Path RESOURCES = Path.of("src", "main", "resources", "org", "aimjvm", "cuda");

    static List<String> names() {
        try (Stream<Path> files = Files.list(KERNELS)) {
            return files.map(p -> p.getFileName().toString()).filter(n -> n.endsWith(".cu"))
                    .map(n -> n.replace(".cu", ""))
                    .sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void declaresAnOldVersionAndTarget(String name) throws IOException {
        String ptx = Files.readString(RESOURCES.resolve(name + ".ptx"));
        assertThat(ptx).startsWith(".version 7.8\n.target sm_80\n").contains(".entry ");
    }

    @Test
    void everyResourceHasASource() throws IOException {
        try (Stream<Path> files = Files.list(RESOURCES)) {
            assertThat(files.map(p -> p.getFileName().toString().replace(".ptx", "")))
                    .containsExactlyInAnyOrderElementsOf(names());
        }
    }

    @Test
    void sourcesCompileToTheResources(@TempDir Path folder) throws IOException, InterruptedException {
        assumeTrue(hasNvcc(), "nvcc is not installed, so the PTX cannot be made again");
        Process p = new ProcessBuilder("sh", KERNELS.resolve("build.sh").toString(), folder.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(p.getInputStream().readAllBytes());
        assertThat(p.waitFor()).as(output).isZero();
        for (String name : names()) {
            assertThat(Files.readString(folder.resolve(name + ".ptx")))
                    .as("%s.ptx (kernels/build.sh makes it anew)", name)
                    .isEqualTo(Files.readString(RESOURCES.resolve(name + ".ptx")));
        }
    }

    private static boolean hasNvcc() throws InterruptedException {
        try {
            return new ProcessBuilder("nvcc", "--version").redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        }
    }
}
