package org.aimjvm.backend;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.aimjvm.Device;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is wrong with a JVM is said, once, when a backend is chosen without being named. */
class JvmFaultTest {
    @TempDir private Path dir;

    @ParameterizedTest
    @CsvSource({
        "25,           true,  UseG1GC,                 G1_MOVES_PINNED_ARRAYS",
        "25.0.2+10,    true,  UseG1GC,                 G1_MOVES_PINNED_ARRAYS",
        "25.0.2.1+10,  true,  UseG1GC,                 G1_MOVES_PINNED_ARRAYS",
        "25.0.3,       true,  UseG1GC,                 ",
        "25.0.1,       true,  UseParallelGC,           ",
        "25.1,         true,  UseG1GC,                 ",
        "26,           true,  UseG1GC,                 ",
        "25.0.4,       true,  UseCompactObjectHeaders, COMPACT_HEADERS",
        "25.0.1,       false, UseCompactObjectHeaders, NO_SIMD COMPACT_HEADERS",
        "26,           true,  UseCompactObjectHeaders, ",
        "26,           false, UseZGC,                  NO_SIMD"
    })
    void faultsFollowFromVersionModulesAndFlags(String version, boolean vector, String flagOn, String expected) {
        List<JvmFault> faults =
                JvmFault.in(new JvmFault.Jvm(Runtime.Version.parse(version), vector, flagOn::equals));
        assertThat(faults).extracting(JvmFault::name)
                .containsExactly(expected == null ? new String[0] : expected.split(" "));
    }

    @Test
    void eachNamesItsCure() {
        assertThat(JvmFault.NO_SIMD.toString()).contains("start java with --add-modules=jdk.incubator.vector");
        assertThat(JvmFault.G1_MOVES_PINNED_ARRAYS.toString()).contains("JDK-8377811", "-XX:+UseParallelGC");
        assertThat(JvmFault.COMPACT_HEADERS.toString()).contains("JDK-8380060", "without -XX:+UseCompactObjectHeaders");
    }

    /** Chooses backends as its arguments say. */
    static final class Chooser {
        private Chooser() {}

        public static void main(String[] how) {
            for (String one : how) {
                switch (one) {
                    case "best" -> Backends.best();
                    case "auto" -> Device.auto().open(1);
                    case "cpu" -> Device.cpu().open(1);
                    case "scalar" -> Backends.open("scalar", 1);
                    case "program" -> JvmWarning.leaveToProgram();
                    default -> throw new IllegalArgumentException(one);
                }
            }
        }
    }

    private String errors(List<String> flags, String... how) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(System.getProperty("java.home") + "/bin/java"));
        command.addAll(flags);
        command.addAll(List.of(
                "-XX:TieredStopAtLevel=1", "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                Chooser.class.getName()));
        command.addAll(List.of(how));
        File err = dir.resolve("err").toFile();
        Process process = new ProcessBuilder(command).redirectError(err).redirectOutput(err).start();
        assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
        String text = Files.readString(err.toPath(), StandardCharsets.UTF_8);
        assertThat(process.exitValue()).as(text).isZero();
        return text;
    }

    @Test
    void withoutSimdOneWarningNamesTheFlag() throws Exception {
        String warned = errors(List.of(), "scalar", "cpu", "best", "auto");
        assertThat(warned).containsOnlyOnce("SIMD is off").contains("--add-modules=jdk.incubator.vector");
        assertThat(errors(List.of(), "scalar")).as("asked for by name").isEmpty();
        assertThat(errors(List.of("-Daim.backend=scalar"), "best")).as("asked for by property").isEmpty();
        assertThat(errors(List.of(), "program", "best")).isEmpty();
        assertThat(errors(List.of("--add-modules=jdk.incubator.vector"), "best")).doesNotContain("SIMD is off");
    }

    @Test
    void compactObjectHeadersAreSeen() throws Exception {
        String warned = errors(
                List.of("--add-modules=jdk.incubator.vector", "-XX:+UnlockExperimentalVMOptions",
                        "-XX:+UseCompactObjectHeaders"),
                "auto");
        assertThat(warned.contains("JDK-8380060")).as(warned).isEqualTo(Runtime.version().feature() == 25);
    }
}
