package org.aimjvm.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.aimjvm.cli.Outcome;
import org.aimjvm.cli.TinyData;
import org.aimjvm.command.ExitCode;
import org.aimjvm.train.MetricsCsv;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The options of stage 1 beyond reconstruction: perceptual and adversarial losses, ways to keep a codebook in use. */
class StageOneCommandsTest {
    private static final String SMALL =
            " --size 16 --report-every 0 --sample-every 0 --validate-every 0 --checkpoint-every 0"
                    + " --batch 6 --lr 3e-3 --ch 8 --ch-mult 1,2 --res-blocks 1 --z-channels 8 --codebook 16 --embed-dim 4"
                    + " --norm-groups 4";

    @TempDir private static Path shared;
    @TempDir private Path dir;

    @BeforeAll
    static void prepare() throws IOException {
        TinyData.idx(shared.resolve("data"));
    }

    private Outcome aim(String text) {
        return Outcome.of(Outcome.words(shared, text.replace("OUT", dir.toString())));
    }

    @Test
    void everythingTogetherTrainsGoesOnAndIsJudged() throws IOException {
        assertThat(aim(
                "train classifier --data DIR/data --size 16 --width 8 --features 8 --steps 2 --batch 6 --report-every 0"
                        + " --validate-every 0 --sample-every 0 --out OUT/judge")
                .exit()).isZero();
        String all = "train vq --data DIR/data --steps 4 --out OUT/vq" + SMALL
                + " --perceptual features=" + dir + "/judge/model --perceptual-weight 0.5 --perceptual-from 1"
                + " --adversarial non-saturating --adaptive-weight --disc-layers 2 --disc-channels 8 --disc-warmup 1 --lecam 0.05"
                + " --disc-augment color,translation,cutout"
                + " --codebook-start kmeans --restart-below 0.5 --codebook-gradient rotation";
        Outcome o = aim(all);
        assertThat(o.err()).isEmpty();
        assertThat(o.exit()).isZero();
        TreeMap<Integer, Map<String, Double>> table = MetricsCsv.read(dir.resolve("vq/metrics.csv"));
        assertThat(table.get(1)).containsKeys("discriminator_loss", "perplexity")
                .doesNotContainKeys("perceptual", "adversarial");
        assertThat(table.get(4)).containsKeys("perceptual", "adversarial", "adaptive_weight", "lecam", "logits_real");
        assertThat(aim(all + " --resume").exit()).isZero();
        Outcome other = aim(all.replace("--lecam 0.05", "--lecam 0.1") + " --resume");
        assertThat(other.exit()).isEqualTo(ExitCode.FAILED);
        assertThat(other.err()).contains("leCam");
        Outcome judged =
                aim("evaluate --model OUT/vq/model --data DIR/data --size 16 --judge OUT/judge/model --min-real 0");
        assertThat(judged.exit()).isZero();
        assertThat(judged.out()).contains("frechet_reconstructed_test", "reconstruction_psnr_db", "codebook_usage")
                .doesNotContain("generated");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--lecam 0.1|--lecam: given without --adversarial (expected both)",
        "--disc-augment color|--disc-augment: given without --adversarial (expected both)",
        "--adversarial wgan|expected hinge, vanilla or non-saturating",
        "--adversarial hinge --disc-augment blur|expected color, translation or cutout",
        "--adversarial hinge --disc-layers 9|--disc-layers: 9 (expected 1 to 6)",
        "--adversarial hinge --adversarial-weight -1|--adversarial-weight: -1.0 (expected a finite number from 0.0)",
        "--adversarial hinge --disc-warmup -1|--disc-warmup: -1 (expected at least 0)",
        "--adversarial hinge --stop-if-worse 0.5|--stop-if-worse: 0.5 (expected a number above 1, or 0 for never)",
        "--adversarial hinge --disc-layers 0|--disc-layers: 0 (expected 1 to 6)",
        "--adversarial hinge --disc-channels 0|--disc-channels: 0 (expected 1 to 1024)",
        "--adversarial hinge --disc-channels 1025|--disc-channels: 1025 (expected 1 to 1024)",
        "--adversarial hinge|--disc-layers: 3 for pictures of 16 x 16 (expected at most 2)",
        "--adversarial hinge --disc-layers 6|--disc-layers: 6 for pictures of 16 x 16 (expected at most 2)",
        "--perceptual vgg|--perceptual: vgg (expected lpips, features=DIR or random)",
        "--perceptual features=|--perceptual: features= (expected lpips, features=DIR or random)",
        "--perceptual lpips|--vgg: missing, --perceptual lpips needs VGG16's file",
        "--perceptual random --vgg x|--vgg: given with --perceptual random (expected lpips)",
        "--perceptual-weight 2|--perceptual-weight: given without --perceptual (expected both)",
        "--perceptual random --perceptual-weight NaN|--perceptual-weight: NaN (expected a finite number from 0.0)",
        "--codebook-gradient turn|expected straight or rotation",
        "--restart-below 0.5 --revive-after 9|--restart-below: 0.5 with --revive-after 9 (expected one of the two)",
        "--codebook-projection linear --codebook-start kmeans|expected by itself: the codes move together",
        "--restart-below 1|--restart-below: 1.0",
    })
    void wrongOptionsAreNamedBeforeAnyWork(String options, String message) {
        Outcome o = aim("train vq --data DIR/data --steps 2 --out OUT/vq" + SMALL + " " + options);
        assertThat(o.exit()).isEqualTo(ExitCode.USAGE);
        assertThat(o.err()).contains(message).hasLineCount(1);
        assertThat(dir.resolve("vq")).doesNotExist();
    }

    @Test
    void picturesTooSmallForAnyDiscriminatorAreRefused() throws IOException {
        TinyData.files(dir.resolve("pictures"));
        Outcome o = aim("train vq --data OUT/pictures --steps 2 --out OUT/vq" + SMALL.replace("--size 16", "--size 4")
                + " --adversarial hinge");
        assertThat(o.exit()).isEqualTo(ExitCode.USAGE);
        assertThat(o.err())
                .contains("--adversarial: given for pictures of 4 x 4 (expected at least 6 rows and columns)");
    }

    @Test
    void aPerceptualDistanceOfOtherPicturesIsRefused() {
        assertThat(aim(
                "train classifier --data DIR/data --size 8 --width 8 --features 8 --steps 1 --batch 6 --report-every 0"
                        + " --validate-every 0 --sample-every 0 --out OUT/judge")
                .exit()).isZero();
        Outcome o = aim("train vq --data DIR/data --steps 2 --out OUT/vq" + SMALL + " --perceptual features=" + dir
                + "/judge/model");
        assertThat(o.exit()).isEqualTo(ExitCode.USAGE);
        assertThat(o.err()).contains("perceptual distance: pictures of 1 x 16 x 16 (expected 1 x 8 x 8");
    }

    @Test
    void wrongSizesOfAvatarsAreRefused() {
        assertThat(aim("data avatars --count 3 --out OUT/a").err()).contains("--count: 3 (expected at least 15)");
        assertThat(aim("data avatars --size 8 --out OUT/a").err()).contains("--size: 8 (expected 16 to 1024)");
        assertThat(aim("data avatars --count 2000000 --out OUT/a").err()).contains("(expected at most 1000000)");
        assertThat(aim("data avatars --split test --out OUT/a").exit()).isEqualTo(ExitCode.USAGE);
        assertThat(Files.exists(dir.resolve("a"))).isFalse();
    }
}
