package org.aimjvm.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.train.TinyRuns.Recorder;
import org.aimjvm.train.VqOptions.Reconstruction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunLockTest {
    @TempDir Path dir;

    /** Takes the folder it is given, says so, and waits to be killed. */
    static final class Holder {
        public static void main(String[] args) throws InterruptedException {
            RunLock lock = RunLock.of(Path.of(args[0]));
            System.out.println("taken " + lock.folder());
            Thread.sleep(TimeUnit.MINUTES.toMillis(2));
        }
    }

    private static Process holder(Path folder) throws IOException {
        Process process = new ProcessBuilder(
                System.getProperty("java.home") + "/bin/java", "-XX:TieredStopAtLevel=1", "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                Holder.class.getName(), folder.toString()).redirectErrorStream(true).start();
        BufferedReader out = process.inputReader();
        assertThat(out.readLine()).isEqualTo("taken " + folder);
        return process;
    }

    @Test
    void anotherProcessIsRefusedUntilTheFirstIsGoneHoweverItEnds() throws Exception {
        Path run = dir.resolve("run");
        Process first = holder(run);
        try {
            for (int i = 0; i < 2; i++) { // a refused attempt does not free what another holds
                assertThatThrownBy(() -> RunLock.of(run)).isInstanceOf(CheckpointException.class)
                        .hasMessage(run + ": another run is writing to it, of process " + first.pid()
                                + " (expected a folder of its own for each run; wait for that one,"
                                + " or name another folder)");
            }
        } finally {
            first.destroyForcibly().waitFor();
        }
        assertThat(run.resolve(RunLock.FILE)).exists();
        try (RunLock lock = RunLock.of(run)) {
            assertThat(lock.folder()).isEqualTo(run);
        }
    }

    @Test
    void aLockOfThisProcessKeepsOutThisOneAndOthers() throws Exception {
        Path run = dir.resolve("run");
        try (RunLock _ = RunLock.of(run)) {
            assertThatThrownBy(() -> RunLock.of(dir.resolve("run/../run")))
                    .hasMessageContaining("another run is writing to it, of this process");
            Process other = new ProcessBuilder(
                    System.getProperty("java.home") + "/bin/java", "-XX:TieredStopAtLevel=1", "-cp",
                    System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                    Holder.class.getName(), run.toString()).redirectErrorStream(true).start();
            assertThat(new String(other.getInputStream().readAllBytes()))
                    .contains("another run is writing to it, of process " + ProcessHandle.current().pid());
            assertThat(other.waitFor()).isNotZero();
        }
        holder(run).destroyForcibly().waitFor();
    }

    @Test
    void afterwardsNothingIsLeftOfIt() throws IOException {
        RunLock.of(dir.resolve("a/b")).close();
        assertThat(dir.resolve("a/b")).doesNotExist();
        Files.createDirectories(dir.resolve("there"));
        RunLock lock = RunLock.of(dir.resolve("there"));
        lock.close();
        lock.close();
        assertThat(dir.resolve("there")).isEmptyDirectory();
        try (RunLock _ = RunLock.of(dir.resolve("c"))) {
            Files.writeString(dir.resolve("c/kept"), "");
        }
        try (var files = Files.list(dir.resolve("c"))) {
            assertThat(files.toList()).isEqualTo(List.of(dir.resolve("c/kept")));
        }
    }

    @Test
    void aFolderThatCannotBeMadeIsNamed() throws IOException {
        Path file = Files.writeString(dir.resolve("file"), "");
        assertThatThrownBy(() -> RunLock.of(file)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining(file.toString()).hasMessageContaining("cannot be locked");
    }

    @Test
    void aTrainerTakesItsFolderWhileItRuns() {
        Path run = dir.resolve("run");
        VqOptions options = VqOptions.builder(TinyRuns.recipe(2, 8, 1, 3e-3)).reconstruction(Reconstruction.L1)
                .reviveAfter(3).build();
        RunOptions writing = new RunOptions(run, 1, 1, 0, 0, 0);
        Recorder inside = new Recorder() {
            @Override
            public void onStep(TrainMetrics metrics) {
                assertThatThrownBy(() -> TinyRuns.vq(TinyRuns.squares(30), options, writing, new Recorder()).run())
                        .hasMessageContaining("another run is writing to it");
            }
        };
        assertThat(TinyRuns.vq(TinyRuns.squares(30), options, writing, inside).run()).isTrue();
        try (RunLock lock = RunLock.of(run)) {
            VqTrainer again = TinyRuns.vq(TinyRuns.squares(30), options, writing, new Recorder());
            again.resume(RunFolder.latest(run).orElseThrow());
            assertThat(again.run(lock)).isTrue();
            VqTrainer elsewhere = TinyRuns.vq(
                    TinyRuns.squares(30), options, new RunOptions(dir.resolve("x"), 1, 1, 0, 0, 0), new Recorder());
            assertThatThrownBy(() -> elsewhere.run(lock)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("lock: of " + run);
        }
    }
}
