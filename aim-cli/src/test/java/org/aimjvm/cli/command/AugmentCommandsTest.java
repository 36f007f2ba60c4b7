package org.aimjvm.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.cli.Outcome;
import org.aimjvm.cli.TinyData;
import org.aimjvm.command.ExitCode;
import org.aimjvm.io.StagedFolder;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How training crops picture files, {@code --augment}. */
class AugmentCommandsTest {
    private static final String TRAIN =
            "train vq --data DIR/pictures --seed 3 --sample-every 0 --validate-every 0 --schedule constant "
                    + TinyData.VQ;

    @TempDir private static Path shared;
    @TempDir private Path dir;

    @BeforeAll
    static void data() throws IOException {
        TinyData.files(shared.resolve("pictures"));
        TinyData.idx(shared.resolve("idx"));
    }

    private Outcome aim(String text) {
        return Outcome.of(Outcome.words(shared, text.replace("OUT", dir.toString())));
    }

    private byte[] weights(String run) throws IOException {
        return Files.readAllBytes(dir.resolve(run).resolve("model/model.safetensors"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"--augment random-crop --crop-fraction 0.5,0.9", "--augment adm-center --flip"})
    void aRunThatWentOnIsTheRunThatWasNotStopped(String augment) throws IOException {
        assertThat(aim(TRAIN + " " + augment + " --steps 6 --out OUT/whole").exit()).isZero();
        String parts = TRAIN + " " + augment + " --steps 6 --checkpoint-every 2 --keep 9 --out OUT/parts";
        assertThat(aim(parts).exit()).isZero();
        for (String gone : new String[] {"model", "step-00000006", "step-00000004"}) {
            StagedFolder.delete(dir.resolve("parts").resolve(gone));
        }
        assertThat(aim(parts + " --resume").exit()).isZero();
        try (ModelFolder a = ModelFolder.open(dir.resolve("whole/model"));
                ModelFolder b = ModelFolder.open(dir.resolve("parts/model"))) {
            assertThat(b.tensors().names()).isEqualTo(a.tensors().names()).isNotEmpty();
            for (String name : a.tensors().names()) {
                assertThat(b.tensors().readFloats(name)).as(name).isEqualTo(a.tensors().readFloats(name));
            }
        }
        Outcome other = aim(TRAIN + " --steps 6 --resume --out OUT/parts");
        assertThat(other.exit()).isEqualTo(ExitCode.FAILED);
        assertThat(other.err()).contains("trainer.json: data: ");
    }

    @Test
    void kindsDifferAndTheDefaultIsResizeCrop() throws IOException {
        assertThat(aim(TRAIN + " --steps 2 --out OUT/default").exit()).isZero();
        for (String kind : new String[] {"resize-crop", "random-crop", "adm-center"}) {
            assertThat(aim(TRAIN + " --steps 2 --out OUT/" + kind + " --augment " + kind).exit()).isZero();
        }
        assertThat(weights("resize-crop")).isEqualTo(weights("default"));
        assertThat(weights("random-crop")).isNotEqualTo(weights("default"));
        assertThat(weights("adm-center")).isNotEqualTo(weights("default")).isNotEqualTo(weights("random-crop"));
        try (ModelFolder folder = ModelFolder.open(dir.resolve("random-crop/model"))) {
            assertThat(folder.info().recipe().stages().getLast().options()).containsEntry("augment", "random-crop");
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--augment mirror|random-crop, ADM_CENTER, adm-center]",
        "--augment random-crop --center-crop|--center-crop: given with --augment random-crop (expected with --augment res",
        "--augment adm-center --center-crop|--center-crop: given with --augment adm-center",
        "--augment random-crop --resize 9|--resize: given with --augment random-crop (expected with --augment resize-crop",
        "--crop-fraction 0.8,1|--crop-fraction: given with --augment resize-crop (expected with --augment random-crop)",
        "--augment random-crop --crop-fraction 0.8|--crop-fraction: 1 numbers (expected two, such as 0.8,1)",
        "--augment random-crop --crop-fraction 0.8,1.1|--crop-fraction: 0.8,1.1 (expected two numbers above 0, at most 1",
        "--augment random-crop --crop-fraction 1,0.8|--crop-fraction: 1.0,0.8 (expected two numbers",
        "--augment random-crop --crop-fraction 0.0001,1|--crop-fraction: 1.0E-4 makes short sides of up to 80000 pixels",
    })
    void whatDoesNotFitIsRefusedBeforeAnyWork(String options, String message) {
        Outcome o = aim(TRAIN + " --steps 2 --out OUT/bad " + options);
        assertThat(o.exit()).isEqualTo(ExitCode.USAGE);
        assertThat(o.err()).contains(message).hasLineCount(1);
        assertThat(dir.resolve("bad")).doesNotExist();
    }

    @Test
    void idxFilesAreNotCropped() {
        Outcome o = aim("train vq --data DIR/idx --steps 1 --out OUT/bad --augment random-crop " + TinyData.VQ);
        assertThat(o.exit()).isEqualTo(ExitCode.USAGE);
        assertThat(o.err()).contains("--augment random-crop: given for IDX files (expected with picture files only)");
    }
}
