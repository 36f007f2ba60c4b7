package org.aimjvm.cli.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.aimjvm.cli.fetch.GzipFile;
import org.aimjvm.cli.Aim;
import org.aimjvm.command.Console;
import org.aimjvm.command.ExitCode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What counts as the official data, and that only checked files appear. */
class FashionMnistTest {
    private static final Path SYSTEM_COPY = Path.of("/usr/share/datasets/fashion-mnist");
    private static final String SHA256_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    @TempDir private Path dir;

    private Path gzip(String text) throws IOException {
        Path path = Files.createTempFile(dir, "x", ".gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(path))) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
        }
        return path;
    }

    @Test
    void aFileIsKnownByItsContents() throws IOException {
        GzipFile abc = new GzipFile("abc.gz", 3, SHA256_OF_ABC);
        assertThat(abc.problem(gzip("abc"))).isNull();
        assertThat(abc.problem(gzip("abd"))).startsWith("has contents with SHA-256")
                .endsWith("expected " + SHA256_OF_ABC);
        assertThat(abc.problem(gzip("ab"))).isEqualTo("holds 2 bytes, expected 3");
        assertThat(abc.problem(gzip("abcd"))).isEqualTo("holds more than the expected 3 bytes");
        assertThat(abc.problem(Files.writeString(dir.resolve("plain"), "abc"))).startsWith("is no whole gzip file");
        Path cut = gzip("abc");
        Files.write(cut, Arrays.copyOf(Files.readAllBytes(cut), 12));
        assertThat(abc.problem(cut)).startsWith("is no whole gzip file");
    }

    @Test
    void wrongFilesAreNotCopied() throws IOException {
        Path from = Files.createDirectory(dir.resolve("from"));
        Files.copy(gzip("abc"), from.resolve("train-images-idx3-ubyte.gz"));
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Console console = new Console(new PrintStream(new ByteArrayOutputStream()), new PrintStream(err), false);
        Path out = dir.resolve("out");
        assertThat(Aim.run(console, "data", "fashion-mnist", "--from", from.toString(), "--out", out.toString()))
                .isEqualTo(ExitCode.FAILED);
        assertThat(err.toString(StandardCharsets.UTF_8))
                .contains("train-images-idx3-ubyte.gz: holds 3 bytes, expected 47040016");
        assertThat(out).isEmptyDirectory();
    }

    @Test
    void theSystemsCopyIsTheOfficialDataAndIsKeptTheSecondTime() {
        assumeTrue(Files.isDirectory(SYSTEM_COPY),
                "no copy in " + SYSTEM_COPY + " (Debian package dataset-fashion-mnist)");
        Path out = dir.resolve("data");
        for (String expected : List.of("4 files verified, 4 new, 0 kept", "4 files verified, 0 new, 4 kept")) {
            ByteArrayOutputStream printed = new ByteArrayOutputStream();
            Console console =
                    new Console(new PrintStream(printed), new PrintStream(new ByteArrayOutputStream()), false);
            assertThat(Aim.run(console, "data", "fashion-mnist", "--out", out.toString())).isEqualTo(ExitCode.OK);
            assertThat(printed.toString(StandardCharsets.UTF_8)).contains(expected);
        }
        assertThat(out).isDirectoryNotContaining("glob:**.part");
    }
}
