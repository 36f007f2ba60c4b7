package org.aimjvm.feature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.data.PictureSource;
import org.aimjvm.data.PictureSubset;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.nn.Params;
import org.aimjvm.train.ClassifierTrainer;
import org.aimjvm.train.RunFolder;
import org.aimjvm.train.RunOptions;
import org.aimjvm.train.TinyRuns;
import org.aimjvm.train.TinyRuns.Recorder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClassifierFolderTest {
    private static final PictureSource PICTURES = TinyRuns.squares(36);
    private static final List<String> NAMES = List.of("left", "middle", "right");

    @TempDir Path dir;

    private static Classifier random(long seed) {
        return new Classifier(Params.random(TinyRuns.BACKEND, seed), new ClassifierConfig(1, 8, 3, 8, 6));
    }

    @Test
    void whatIsReadIsWhatWasWritten() {
        Classifier written = random(1);
        ClassifierFolder.write(dir.resolve("c"), written, NAMES, Recipe.text("by hand"));
        ClassifierFolder read = ClassifierFolder.read(dir.resolve("c"), TinyRuns.BACKEND);
        assertThat(read.classNames()).isEqualTo(NAMES);
        assertThat(read.recipe()).isEqualTo(Recipe.text("by hand"));
        assertThat(read.classifier().config()).isEqualTo(written.config());
        read.classifier().params().all().forEach((name, t) -> assertThat(t.toFloats())
                .isEqualTo(written.params().all().get(name).toFloats()));
    }

    @Test
    void aCheckpointOfARunIsAClassifiersFolder() {
        RunOptions run = new RunOptions(dir.resolve("run"), 0, 1, 0, 0, 0);
        Classifier trained = random(2);
        new ClassifierTrainer(
                trained, PICTURES, null, TinyRuns.recipe(3, 12, 1, 1e-2), Recipe.text("a test"), new RunOptions(
                        run.folder(), 3, 1, 0, 0, 0),
                new Recorder())
                .run();
        ClassifierFolder read =
                ClassifierFolder.read(RunFolder.latest(run.folder()).orElseThrow(), TinyRuns.BACKEND);
        assertThat(read.classNames()).isEqualTo(NAMES);
        assertThat(read.recipe()).isEqualTo(Recipe.text("a test"));
        assertThat(Accuracy.of(read.classifier(), PICTURES, 7, 0))
                .usingRecursiveComparison()
                .isEqualTo(Accuracy.of(trained, PICTURES, 7, 0));
        new ClassifierTrainer(
                read.classifier(), PICTURES, null, TinyRuns.recipe(2, 12, 1, 1e-2), RunOptions.NONE, new Recorder())
                .run(); // it can be trained further
    }

    @Test
    void whatDoesNotFitIsNamed() throws IOException {
        assertThatThrownBy(() -> ClassifierFolder.write(dir.resolve("c"), random(1), List.of("a"), Recipe.NONE))
                .isInstanceOf(IllegalArgumentException.class).hasMessageStartingWith("class_names: 1 (expected 3");
        assertThat(dir.resolve("c")).doesNotExist();
        assertThatThrownBy(() -> ClassifierFolder.read(dir.resolve("c"), TinyRuns.BACKEND))
                .isInstanceOf(CheckpointException.class).hasMessageContaining("config.json");
        ClassifierFolder.write(dir.resolve("c"), random(1), NAMES, Recipe.NONE);
        Path config = dir.resolve("c/config.json");
        String json = Files.readString(config);
        for (String[] change : new String[][] {
            {"\"width\" : 8", "\"width\" : 16", "conv.0.weight (8, 1, 3, 3) (expected (16, 1, 3, 3))"},
            {"\"width\" : 8", "\"width\" : 9", "width: 9 (expected a multiple of 8)"},
            {"\"side\"", "\"sid\"", "sid"},
            {"\"right\"", "\"right\", \"more\"", "class_names: 4 (expected 3"}}) {
            assertThat(json).contains(change[0]);
            Files.writeString(config, json.replace(change[0], change[1]));
            assertThatThrownBy(() -> ClassifierFolder.read(dir.resolve("c"), TinyRuns.BACKEND))
                    .isInstanceOf(CheckpointException.class).hasMessageContaining(change[2]);
        }
    }

    @Test
    void aSubsetIsSomeOfThePictures() {
        PictureSubset some = new PictureSubset(PICTURES, new int[] {7, 2, 5});
        assertThat(some.size()).isEqualTo(3);
        assertThat(some.label(1)).isEqualTo(PICTURES.label(2));
        assertThat(some.classNames()).isEqualTo(NAMES);
        float[] a = new float[64];
        float[] b = new float[64];
        some.read(2, a);
        PICTURES.read(5, b);
        assertThat(a).isEqualTo(b);
        assertThat(some.fingerprint())
                .isEqualTo(new PictureSubset(PICTURES, new int[] {7, 2, 5}).fingerprint())
                .isNotEqualTo(new PictureSubset(PICTURES, new int[] {2, 7, 5}).fingerprint())
                .isNotEqualTo(PICTURES.fingerprint());
        assertThatThrownBy(() -> new PictureSubset(PICTURES, new int[] {36})).hasMessageStartingWith("indices: 36");
        assertThatThrownBy(() -> new PictureSubset(PICTURES, new int[0])).hasMessageStartingWith("indices: none");
    }
}
