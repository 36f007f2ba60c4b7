package org.aimjvm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.aimjvm.command.ExitCode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The conventions of the command line, seen from outside: exit codes, one line per error, stdout for results only. */
class AimProcessTest {
    @TempDir private Path dir;

    @Test
    void helpGoesToStandardOutput() throws Exception {
        CliProcess p = CliProcess.aim("--help");
        assertThat(p.exit()).isZero();
        assertThat(p.out()).contains("Usage: aim", "data", "doctor");
        assertThat(p.err()).isEmpty();
    }

    @Test
    void versionNamesThisBuildAndTheJvm() throws Exception {
        CliProcess p = CliProcess.aim("--version");
        assertThat(p.exit()).isZero();
        assertThat(p.out()).matches("(?s)aim \\d+\\.\\d+\\.\\d+\\S*\\Rjava " + Runtime.version().feature() + ".*");
        assertThat(p.err()).isEmpty();
    }

    @Test
    void unknownOptionIsWrongUsageWithASuggestion() throws Exception {
        CliProcess p = CliProcess.aim("data", "fashion-mnist", "--frm", "x");
        assertThat(p.exit()).isEqualTo(ExitCode.USAGE);
        assertThat(p.out()).isEmpty();
        assertThat(p.err()).hasLineCount(1)
                .startsWith("aim: data fashion-mnist: unknown option '--frm', did you mean --from?");
    }

    @Test
    void failureIsOneLine() throws Exception {
        CliProcess p = CliProcess.aim("data", "fashion-mnist", "--from", dir + "/none", "--out", dir + "/out");
        assertThat(p.exit()).isEqualTo(ExitCode.FAILED);
        assertThat(p.out()).isEmpty();
        assertThat(p.err()).hasLineCount(1)
                .startsWith("aim: " + dir + "/none/train-images-idx3-ubyte.gz: no such file or folder");
    }

    @Test
    void debugAddsTheStackTrace() throws Exception {
        CliProcess p =
                CliProcess.aim("data", "fashion-mnist", "--debug", "--from", dir + "/none", "--out", dir + "/out");
        assertThat(p.exit()).isEqualTo(ExitCode.FAILED);
        assertThat(p.err()).startsWith("aim: ").contains("NoSuchFileException", "\tat org.aimjvm.cli.");
    }

    @Test
    void doctorWithoutTheVectorModuleSaysWhichFlagIsMissing() throws Exception {
        CliProcess p = CliProcess.aim("doctor");
        assertThat(p.exit()).isZero();
        assertThat(p.out()).contains("is off, start java with --add-modules=jdk.incubator.vector")
                .contains("vector: not available").contains("scalar: works");
        assertThat(p.err()).isEmpty();
    }

    @Test
    void doctorWithTheVectorModuleTellsTheWidth() throws Exception {
        CliProcess p = CliProcess.aim(
                List.of("--add-modules=jdk.incubator.vector", "-Daim.simd.bits=128", "-Daim.threads=3"), "doctor");
        assertThat(p.exit()).isZero();
        assertThat(p.out()).containsPattern("vector: works, .*128-bit").containsPattern("threads +3 ")
                .containsPattern("(?m)^jvm +(no known fault|faults follow)");
    }

    @Test
    void wrongPropertiesAreRefusedAndNoSlowerBackendIsTaken() throws Exception {
        for (String wrong : List.of("aim.simd.warmup=-1", "aim.simd.warmup=abc", "aim.simd.bits=77")) {
            CliProcess p = CliProcess.aim(
                    List.of("--add-modules=jdk.incubator.vector", "-D" + wrong), "generate", "--label", "1", "--out",
                    dir + "/x.png");
            assertThat(p.exit()).as(wrong).isNotZero();
            assertThat(p.err()).contains(wrong.replace("=", ": ") + " (expected ").doesNotContain("scalar", "\tat ");
            assertThat(dir.resolve("x.png")).doesNotExist();
        }
    }
}
