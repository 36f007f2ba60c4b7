package org.aimjvm.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
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

    private static String ptx(Path folder, String name) throws IOException {
        return Files.readString(folder.resolve(name + ".ptx"));
    }

    /** As kernels/build.sh computes it: the file, then all headers by name. */
    private static String fingerprint(String name) throws IOException, NoSuchAlgorithmException {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        digest.update(Files.readAllBytes(KERNELS.resolve(name + ".cu")));
        try (Stream<Path> files = Files.list(KERNELS)) {
            for (Path header : files.filter(p -> p.toString().endsWith(".cuh"))
                    .sorted(Comparator.comparing(p -> p.getFileName().toString())).toList()) {
                digest.update(Files.readAllBytes(header));
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    @ParameterizedTest
    @MethodSource("names")
    void declaresAnOldVersionAndTarget(String name) throws IOException {
        assertThat(ptx(RESOURCES, name).lines().skip(1).limit(2)).containsExactly(".version 7.8", ".target sm_80");
    }

    @ParameterizedTest
    @MethodSource("names")
    void isMadeOfTheSources(String name) throws IOException, NoSuchAlgorithmException {
        assertThat(ptx(RESOURCES, name).lines().findFirst().orElseThrow())
                .as("kernels/build.sh makes %s.ptx anew", name)
                .isEqualTo("// made by kernels/build.sh of sources " + fingerprint(name));
    }

    @Test
    void everyResourceHasASource() throws IOException {
        try (Stream<Path> files = Files.list(RESOURCES)) {
            assertThat(files.map(p -> p.getFileName().toString()).filter(n -> n.endsWith(".ptx"))
                    .map(n -> n.replace(".ptx", "")))
                    .containsExactlyInAnyOrderElementsOf(names());
        }
    }

    /**
     * Where there is nvcc: the sources compile, ptxas takes them for every target, and the kernels are those of the
     * resources.
     */
    @Test
    @Tag("long")
    void sourcesCompileToTheKernelsOfTheResources(@TempDir Path folder) throws IOException, InterruptedException {
        assumeTrue(hasNvcc(), "nvcc is not installed, so the PTX cannot be made again");
        Process p = new ProcessBuilder("sh", KERNELS.resolve("build.sh").toString(), folder.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(p.getInputStream().readAllBytes());
        assertThat(p.waitFor()).as(output).isZero();
        for (String name : names()) {
            assertThat(entries(ptx(folder, name))).as("%s.ptx (kernels/build.sh makes it anew)", name).isNotEmpty()
                    .isEqualTo(entries(ptx(RESOURCES, name)));
        }
    }

    /** Names and parameters of the kernels. */
    private static List<String> entries(String ptx) {
        return Pattern.compile("\\.entry\\s+\\w+\\s*\\([^)]*\\)").matcher(ptx).results().map(MatchResult::group)
                .sorted().toList();
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
