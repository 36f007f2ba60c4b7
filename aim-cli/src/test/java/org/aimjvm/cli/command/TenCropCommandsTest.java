package org.aimjvm.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.cli.Outcome;
import org.aimjvm.cli.TinyData;
import org.aimjvm.command.ExitCode;
import org.aimjvm.data.CodeFolder;
import org.aimjvm.data.TenCrops;
import org.aimjvm.data.TokenDataset;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code tokenize --crops ten}, and training on what it makes. */
class TenCropCommandsTest {
    private static final int PICTURES = 8;

    @TempDir private static Path shared;

    @BeforeAll
    static void tokenizer() throws IOException {
        TinyData.files(shared.resolve("pictures"));
        TinyData.files(shared.resolve("val"));
        TinyData.idx(shared.resolve("idx"));
        assertThat(aim("train vq --data DIR/pictures --out DIR/vq --steps 1 --sample-every 0 --validate-every 0 "
                + TinyData.VQ).exit()).isZero();
    }

    private static Outcome aim(String text) {
        return Outcome.of(Outcome.words(shared, text));
    }

    private static Outcome tokenize(String rest) {
        return aim("tokenize --model DIR/vq/model --data DIR/pictures --size 8 " + rest);
    }

    @Test
    void everyPictureHasTenRowsOfWhichTrainingDraws() {
        Outcome made = tokenize("--val DIR/val --crops ten --crop-range 1.3 --out DIR/ten");
        assertThat(made.exit()).isZero();
        assertThat(made.out()).contains("80 pictures", "8 pictures");
        Outcome other = tokenize("--crops ten --crop-range 1.3 --format llamagen --out DIR/npy");
        assertThat(other.exit()).isZero();
        CodeFolder npy = CodeFolder.open(shared.resolve("npy"), 8);
        assertThat(npy.crops()).isEqualTo(TenCrops.VIEWS);
        try (TokenDataset ten = TokenDataset.open(shared.resolve("ten"));
                TokenDataset validation = TokenDataset.open(shared.resolve("ten/validation"))) {
            assertThat(ten.size()).isEqualTo(PICTURES).isEqualTo(npy.size());
            assertThat(ten.crops()).isEqualTo(TenCrops.VIEWS);
            assertThat(validation.size()).isEqualTo(PICTURES);
            assertThat(validation.crops()).isEqualTo(1);
            int[] a = new int[ten.length()];
            int[] b = new int[ten.length()];
            for (int i = 0; i < PICTURES; i++) {
                for (int crop = 0; crop < TenCrops.VIEWS; crop++) {
                    ten.read(i, crop, a, 0);
                    npy.read(i, crop, b, 0);
                    assertThat(b).isEqualTo(a);
                }
            }
        }
        Outcome trained = aim("train lm --data DIR/ten --tokenizer DIR/vq/model --out DIR/lm --steps 3"
                + " --sample-every 0 --validate-every 3 " + TinyData.LM);
        assertThat(trained.exit()).isZero();
        try (ModelFolder model = ModelFolder.open(shared.resolve("lm/model"))) {
            assertThat(model.info().classNames()).containsExactly("cat", "dog");
        }
    }

    private static void assertRefused(Outcome o, String message) {
        assertThat(o.exit()).isEqualTo(ExitCode.USAGE);
        assertThat(o.err()).contains(message);
        assertThat(shared.resolve("bad")).doesNotExist();
    }

    @Test
    void whatDoesNotFitIsRefusedBeforeAnyWork() {
        assertRefused(tokenize("--out DIR/bad --crops five"), "--crops");
        assertRefused(tokenize("--out DIR/bad --crops ten --views 3"), "--views: 3 with --crops ten (expected one of");
        assertRefused(tokenize("--out DIR/bad --crop-range 1.1"), "--crop-range: 1.1 (expected with --crops ten only)");
        for (String range : new String[] {"0.9", "2", "NaN"}) {
            assertRefused(tokenize("--out DIR/bad --crops ten --crop-range " + range), "--crop-range: ");
        }
        assertRefused(tokenize("--out DIR/bad --crops ten --split test --val DIR/val"),
                "--crops: ten with --split test (expected all or train");
        assertRefused(tokenize("--out DIR/bad --crops ten --resize 9"), "--resize: given with --crops ten");
        assertRefused(tokenize("--out DIR/bad --crops ten --augment adm-center"),
                "--augment adm-center: given with --crops ten");
        assertRefused(tokenize("--out DIR/bad --crops ten --flip"), "--flip: given with --crops ten");
        assertRefused(tokenize("--out DIR/bad --crops ten --center-crop"), "--center-crop: given with --crops ten");
        assertRefused(aim("tokenize --model DIR/vq/model --data DIR/idx --size 8 --out DIR/bad --crops ten"),
                "--crops: ten for IDX files (expected one");
        assertRefused(aim("tokenize --model DIR/vq/model --data DIR/pictures --size 16000 --crops ten --out DIR/bad"),
                "--crop-range: 1.1 makes pictures of 17600 rows (expected at most 16384)");
    }
}
