package org.aimjvm.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.aimjvm.io.CheckpointException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunFilesTest {
    @TempDir Path folder;

    private static void touch(Path temp, String text) {
        try {
            Files.writeString(temp.resolve("f"), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void keepsTheNewestCheckpointsAndReplacesTheSameStep() throws IOException {
        assertThat(RunFolder.latest(folder.resolve("none"))).isEmpty();
        RunFolder checkpoints = new RunFolder(folder, 2);
        for (int step : new int[] {5, 9, 100, 12}) {
            checkpoints.save(step, temp -> touch(temp, "first"));
        }
        checkpoints.save(100, temp -> touch(temp, "second"));
        assertThat(names()).containsExactly("step-00000012", "step-00000100");
        assertThat(RunFolder.latest(folder)).hasValue(folder.resolve("step-00000100"));
        assertThat(folder.resolve("step-00000100/f")).hasContent("second");
    }

    @Test
    void whatKilledRunsLeftGoesWithTheNextCheckpoint() throws IOException {
        RunFolder checkpoints = new RunFolder(folder, 2);
        checkpoints.save(5, temp -> touch(temp, "good"));
        for (String name : List.of(".step-00000006.68b98d6679084a73.tmp", ".step-00000007.a.tmp", ".step-mine.tmp")) {
            touch(Files.createDirectories(folder.resolve(name)), "half");
        }
        assertThat(RunFolder.latest(folder)).hasValue(folder.resolve("step-00000005"));
        assertThatThrownBy(() -> checkpoints.save(6, _ -> {
            throw new IllegalStateException("disk full");
        })).hasMessage("disk full");
        assertThat(names()).contains(".step-00000006.68b98d6679084a73.tmp"); // it may be all there is
        checkpoints.save(6, temp -> touch(temp, "good"));
        assertThat(names()).containsExactly(".step-mine.tmp", "step-00000005", "step-00000006");
    }

    @Test
    void aFailedCheckpointLeavesTheOldOne() throws IOException {
        RunFolder checkpoints = new RunFolder(folder, 2);
        checkpoints.save(5, temp -> touch(temp, "good"));
        assertThatThrownBy(() -> checkpoints.save(5, temp -> {
            touch(temp, "bad");
            throw new IllegalStateException("disk full");
        }))
                .hasMessage("disk full");
        assertThat(names()).containsExactly("step-00000005");
        assertThat(folder.resolve("step-00000005/f")).hasContent("good");
    }

    @Test
    void trainerStateIsReadStrictly() throws IOException {
        TrainRecipe recipe = TinyRuns.recipe(5, 4, 1, 0.1);
        TrainerState state = TrainerState.of("lm", 3, "data", recipe);
        state.write(folder);
        assertThat(TrainerState.read(folder).recipe().get("optimizer").get("lr").doubleValue()).isEqualTo(0.1);
        TrainerState.read(folder).requireContinuable(folder, TrainerState.of("lm", 0, "data", recipe));
        Files.writeString(folder.resolve("trainer.json"), "{\"format\": 1, \"step\": 3}");
        assertThatThrownBy(() -> TrainerState.read(folder)).isInstanceOf(CheckpointException.class);
        Files.writeString(folder.resolve("trainer.json"), "{");
        assertThatThrownBy(() -> TrainerState.read(folder)).isInstanceOf(CheckpointException.class);
        assertThatThrownBy(() -> TrainerState.read(folder.resolve("none")))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("is it a checkpoint of a training run?");
    }

    @Test
    void metricsOfStepsAfterTheResumedOneAreRemoved() throws IOException {
        Path csv = folder.resolve("metrics.csv");
        try (MetricsCsv table = MetricsCsv.open(csv, List.of("loss", "lr"), 0)) {
            table.add(1, Map.of("loss", 2.5, "lr", 1e-4));
            table.add(2, Map.of("loss", 2.0));
            table.add(3, Map.of("loss", 1.5));
            assertThatThrownBy(() -> table.add(4, Map.of("other", 1.0))).hasMessageStartingWith("column: other");
        }
        try (MetricsCsv table = MetricsCsv.open(csv, List.of("loss", "lr"), 2)) {
            table.add(3, Map.of("loss", 1.25));
        }
        assertThat(Files.readString(csv)).isEqualTo("step,loss,lr\n1,2.5,1.0E-4\n2,2.0,\n3,1.25,\n");
        assertThat(MetricsCsv.read(csv).get(1)).containsExactly(Map.entry("loss", 2.5), Map.entry("lr", 1e-4));
        assertThatThrownBy(() -> MetricsCsv.open(csv, List.of("loss"), 2))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("columns step,loss,lr, expected step,loss");
    }
}
