package org.aimjvm.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.aimjvm.command.ExitCode;
import org.aimjvm.io.Images;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The script {@code ./aim} where it is not at home: odd paths and languages, folders it cannot write, clocks that are
 * wrong.
 */
class LauncherPlacesTest {
    private static final Path SETPRIV = Path.of("/usr/bin/setpriv");

    /** Gives the rest of the line to a user who owns nothing. */
    private static final List<String> STRANGER =
            List.of(SETPRIV.toString(), "--reuid=65534", "--regid=65534", "--clear-groups");

    private static final String BUILD = "mkdir -p aim-cli/target; : >aim-cli/target/aim-cli.jar";

    @TempDir private Path dir;

    private LauncherCopy copy;

    @BeforeEach
    void layOut() throws IOException {
        copy = new LauncherCopy(dir);
    }

    @ParameterizedTest
    @ValueSource(strings = {"with a blank", "with:colon", "both: of them"})
    void aBuiltCheckoutRunsWhereItWasMoved(String name) throws Exception {
        copy.realJava();
        copy.moveTo(name);
        assumeTrue(!name.contains(":") || Files.isDirectory(Path.of("/proc/self/fd")), "no /proc/self/fd");
        CliProcess p = copy.aim("info", "--preset", "aim-b");
        assertThat(p.exit()).as(p.err()).isZero();
        assertThat(p.out()).startsWith("sequence model");
        assertThat(p.err()).isEmpty();
    }

    @Test
    void wherePathsCannotBeReadByJavaIsOneLine() throws Exception {
        copy.mvn(BUILD);
        copy.moveTo("now!");
        CliProcess p = copy.aim("info");
        assertThat(p.exit()).isEqualTo(1);
        assertThat(p.err()).isEqualTo("aim: " + copy.root()
                + ": a folder that ends in !, from which Java reads no jar (rename it)\n");
        copy.moveTo("not:built");
        assertThat(copy.aim("info").err())
                .isEqualTo("aim: " + copy.root() + ": a colon in its path, which Java takes to "
                        + "separate paths, expected a folder to build in (move or copy it to one)\n");
        assertThat(copy.builds()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "C", "xx_XX.UTF-8"})
    void namesStayWhatTheyAreInEveryLocale(String locale) throws Exception {
        copy.realJava();
        copy.environment().put("LC_ALL", locale);
        copy.environment().put("LANG", "");
        copy.environment().put("LC_CTYPE", "");
        // Non-ASCII names go through the shell alone, as those of the JVM that runs this test depend on its own locale.
        Path script = dir.resolve("session");
        LauncherCopy.script(script, """
                set -e
                mkdir -p 'ünï/façade' 'ünï/猫'
                cp data/p.png 'ünï/façade/é.png'; cp data/p.png 'ünï/猫/p.png'
                mv '%1$s' '%2$s/chéckout'
                cd '%2$s'; chéckout/aim train vq --data ünï --out rün --size 8 --ch 4 --norm-groups 4 --ch-mult 1,2 \\
                    --z-channels 4 --codebook 8 --embed-dim 4 --batch 2 --steps 1 --sample-every 0 --report-every 0
                chéckout/aim info rün/model
                chéckout/aim reconstruct --model rün/model 'ünï/façade/é.png' --out ça.png
                ls rün/model/model.safetensors ça.png
                """.formatted(copy.root(), dir));
        Images.writePng(dir.resolve("data/p.png"), TinyData.picture(9, 9));
        CliProcess p = copy.run(List.of("/bin/sh", script.toString()));
        assertThat(p.exit()).as(p.err()).isZero();
        assertThat(p.out()).contains("rün/model\n", "\n  façade, 猫\n", "\nça.png PSNR ", "\nça.png\n");
    }

    @Test
    void aSourceDatedInTheFutureIsBuiltOnce() throws Exception {
        copy.mvn(BUILD);
        Path source = copy.source("aim-core", 86_400 * 400);
        FileTime future = Files.getLastModifiedTime(source);
        assertThat(copy.aim("info").exit()).isEqualTo(7);
        assertThat(copy.aim("info").err()).isEmpty();
        assertThat(copy.builds()).hasSize(1);

        Files.writeString(source, "class Y {}"); // as long as before
        Files.setLastModifiedTime(source, future);
        assertThat(copy.aim("info").err()).isEqualTo("aim: building, sources have changed\n");
        assertThat(copy.aim("info").err()).isEmpty();
        assertThat(copy.builds()).hasSize(2);

        Files.setLastModifiedTime(source, FileTime.from(Instant.now().minus(1, ChronoUnit.DAYS)));
        copy.source("aim-cli", 5);
        copy.aim("info");
        assertThat(copy.builds()).hasSize(3);
    }

    /** The command line of {@code aim args...} by a user who can read everything and write nothing. */
    private List<String> byStranger(String... args) throws IOException {
        boolean root = "root".equals(System.getProperty("user.name"));
        assumeTrue(!root || Files.isExecutable(SETPRIV), "no " + SETPRIV + ", without which root can write everywhere");
        Files.setPosixFilePermissions(dir, PosixFilePermissions.fromString("rwxr-xr-x"));
        try (Stream<Path> all = Files.walk(copy.root())) {
            for (Path folder : all.filter(Files::isDirectory).toList()) {
                Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("r-xr-xr-x"));
            }
        }
        List<String> command = new ArrayList<>(root ? STRANGER : List.of());
        command.addAll(copy.command(args));
        return command;
    }

    @Test
    void whatCannotBeWrittenIsSaidAtOnceAndWhatIsBuiltRuns() throws Exception {
        copy.mvn(BUILD);
        List<String> unbuilt = byStranger("info");
        try {
            CliProcess p = copy.run(unbuilt);
            assertThat(p.exit()).isEqualTo(1);
            assertThat(p.err()).hasLineCount(1).startsWith("aim: " + copy.root() + "/aim-c")
                    .endsWith(": cannot be written, expected a folder to build in (move or copy it to one)\n");
        } finally {
            writable();
        }

        copy.alreadyBuilt();
        copy.source("aim-core", 60);
        List<String> built = byStranger("info");
        try {
            CliProcess p = copy.run(built);
            assertThat(p.exit()).isEqualTo(7);
            assertThat(p.out()).endsWith("<info>\n");
            assertThat(p.err()).hasLineCount(1)
                    .startsWith("aim: sources are newer than what was built; running that (");
        } finally {
            writable();
        }
        assertThat(copy.builds()).isEmpty();
    }

    private void writable() throws IOException {
        try (Stream<Path> all = Files.walk(copy.root())) {
            for (Path folder : all.filter(Files::isDirectory).toList()) {
                Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
            }
        }
    }

    @Test
    void aLockThatCannotBeMadeIsSaidAtOnce() throws Exception {
        copy.mvn(BUILD);
        Files.createDirectories(copy.jar().getParent());
        Files.createSymbolicLink(copy.jar().resolveSibling("aim-lock"), dir.resolve("nowhere/else"));
        CliProcess p = copy.aim("info");
        assertThat(p.exit()).isEqualTo(1);
        assertThat(p.err()).isEqualTo("aim: " + copy.jar().resolveSibling("aim-lock")
                + ": cannot be made, expected a folder to build in\n");
    }

    @Test
    void theLockOfALivingProcessIsWaitedFor() throws Exception {
        copy.mvn(BUILD);
        Path lock = Files.createDirectories(copy.jar().resolveSibling("aim-lock"));
        Files.writeString(lock.resolve("pid"), ProcessHandle.current().pid() + "\n");
        CliProcess.Running waiting = copy.start("info");
        while (waiting.process().isAlive() && Files.size(waiting.err()) == 0) {
            Thread.sleep(10);
        }
        Files.delete(lock.resolve("pid"));
        Files.delete(lock);
        assertThat(waiting.process().waitFor(30, TimeUnit.SECONDS)).isTrue();
        CliProcess p = waiting.await();
        assertThat(p.err())
                .startsWith("aim: waiting for another build, process " + ProcessHandle.current().pid() + " (");
        assertThat(p.exit()).isEqualTo(7);
    }

    @Test
    void onlyResultsGoToStandardOutput() throws Exception {
        copy.realJava();
        copy.environment().put("AIM_JAVA_OPTS", "-Xmx96m");
        CliProcess p = copy.aim("doctor");
        assertThat(p.exit()).as(p.err()).isZero();
        assertThat(p.out()).startsWith("aim ");
        assertThat(p.err()).doesNotContain("MaxNewSize");

        copy.environment().put("AIM_JAVA_OPTS", "-Xmx1k");
        CliProcess none = copy.aim("doctor");
        assertThat(none.exit()).isEqualTo(1);
        assertThat(none.out()).isEmpty();
        assertThat(none.err()).contains("heap");
    }

    @Test
    void standardOutputThatCannotBeWrittenIsAFailure() throws Exception {
        assumeTrue(Files.isWritable(Path.of("/dev/full")), "no /dev/full");
        copy.realJava();
        for (String line : List.of("info --preset aim-b --json", "--help", "--version", "train lm --help")) {
            CliProcess p = copy.run(List.of("/bin/sh", "-c", "'" + copy.root() + "/aim' " + line + " >/dev/full"));
            assertThat(p.exit()).as(line).isEqualTo(1);
            assertThat(p.err()).hasLineCount(1).startsWith("aim: standard output: cannot be written");
        }
    }

    @Test
    void aReaderThatHasLeftIsNoErrorToTell() throws Exception {
        copy.realJava();
        for (String line : List.of("info --preset aim-b --json", "--help", "--version", "train lm --help")) {
            for (String locale : List.of("C", "de_DE.UTF-8")) {
                CliProcess p = copy.run(List.of("/bin/sh", "-c", "{ LC_ALL=" + locale + " '" + copy.root() + "/aim' "
                        + line + "; echo $? >&2; } | :"));
                assertThat(p.err()).as(line).isEqualTo(ExitCode.READER_LEFT + "\n");
            }
        }
    }
}
