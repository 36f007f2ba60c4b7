package org.aimjvm.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.aimjvm.AiM;
import org.aimjvm.Picture;
import org.aimjvm.data.PictureFolder;
import org.aimjvm.data.PictureOptions;
import org.aimjvm.data.PictureSource;
import org.aimjvm.io.Images;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every example runs and makes what it says, on settings of seconds; and {@code docs/start-here.md} lists them all. */
class ExamplesTest {
    private static final Path ROOT = Path.of(System.getProperty("basedir", "."));

    @TempDir Path dir;

    @Test
    void generate() throws IOException {
        Generate.main(new String[] {dir.toString()});
        assertSize(Images.read(dir.resolve("sneaker.png")), 32, 32);
        assertSize(Images.read(dir.resolve("grid.png")), 3 * 32 + 4 * 2, 2 * 32 + 3 * 2); // 3 by 2, padded all around
    }

    @Test
    void watchAPicture() throws IOException {
        assertThat(WatchAPicture.run(dir.resolve("stopped"), 2)).isFalse();
        assertThat(WatchAPicture.run(dir.resolve("finished"), Integer.MAX_VALUE)).isTrue();
        assertThat(files(dir.resolve("stopped"))).containsExactly("row-1.png", "row-2.png");
        assertThat(files(dir.resolve("finished"))).hasSize(8);
        BufferedImage last = Images.read(dir.resolve("finished/row-8.png"));
        assertSize(last, 32, 32);
        AiM aim = AiM.load("fashion");
        assertThat(Images.toFloats(last, 1)).isEqualTo(
                Images.toFloats(aim.generate("dress").toImage(), 1));
    }

    @Test
    void trainBothStagesOnAFolder() throws IOException {
        PictureSource drawn = new OwnPictures(24, 1, 16);
        Path folder = writePictures(drawn);
        PictureOptions options = PictureOptions.of(16).withChannels(1).withResizeShort(16).withRandomCrop(false);
        TrainBothStages.Size tiny = new TrainBothStages.Size(8, 32, 32, 2, 8, 40, 60);
        TrainBothStages.Result losses = TrainBothStages.run(PictureFolder.open(folder, options), dir, tiny);
        assertThat(losses.vq()).hasSize(40);
        assertFalling(losses.vq());
        assertThat(losses.lm()).hasSize(60);
        assertFalling(losses.lm());

        AiM aim = AiM.load(dir.resolve("model"));
        assertThat(aim.info().classNames()).containsExactly("disc", "square", "triangle");
        assertPicture(aim.generate("disc"), 16);
    }

    @Test
    void fineTune() throws IOException {
        Path folder = writePictures(new OwnPictures(12, 3, 40)); // resized, cropped and made gray
        PictureSource pictures = PictureFolder.open(folder, FineTune.pictureOptions("fashion"));
        List<Double> losses = FineTune.run("fashion", pictures, dir, 4, 12);
        assertThat(losses).hasSize(12);
        assertFalling(losses);
        AiM aim = AiM.load(dir.resolve("model"));
        assertThat(aim.numClasses()).isEqualTo(3);
        assertThat(aim.defaults().guidance()).isEqualTo(AiM.load("fashion").defaults().guidance());
        assertPicture(aim.generate("triangle"), 32);
    }

    @Test
    void ownOperation() {
        assertThat(OwnOperation.run()).isEmpty();
    }

    @Test
    void ownPictures() throws IOException {
        OwnPictures pictures = new OwnPictures(9, 3, 24);
        pictures.saveGrid(dir.resolve("shapes.png"), 3);
        assertSize(Images.read(dir.resolve("shapes.png")), 3 * 24 + 4 * 2, 3 * 24 + 4 * 2);
        float[] once = new float[pictures.pictureSize()];
        float[] again = new float[pictures.pictureSize()];
        for (int i = 0; i < pictures.size(); i++) {
            pictures.read(i, once);
            pictures.read(i, again);
            assertThat(again).isEqualTo(once);
            pictures.read(i, 2, again, 0);
            assertThat(again[23]).isEqualTo(once[0]); // mirrored
            assertThat(once).contains(-1f).hasSize(3 * 24 * 24);
        }
    }

    @Test
    void startHereListsTheExamples() throws IOException {
        String page = Files.readString(ROOT.resolve("../docs/start-here.md"));
        Set<String> listed = page.lines().filter(l -> l.matches("\\|.*\\| `\\w+` \\|"))
                .map(l -> l.replaceFirst(".*`(\\w+)` \\|", "$1")).collect(Collectors.toCollection(TreeSet::new));
        Set<String> programs = new TreeSet<>();
        Path sources = ROOT.resolve("src/main/java/org/aimjvm/examples");
        for (String file : files(sources)) {
            if (Files.readString(sources.resolve(file)).contains("public static void main(")) {
                programs.add(file.replace(".java", ""));
            }
        }
        assertThat(listed).isEqualTo(programs);
    }

    /** A folder per class, as users have them. */
    private Path writePictures(PictureSource pictures) throws IOException {
        Path folder = dir.resolve("pictures");
        float[] pixels = new float[pictures.pictureSize()];
        for (int i = 0; i < pictures.size(); i++) {
            Path of = Files.createDirectories(folder.resolve(pictures.classNames().get(pictures.label(i))));
            pictures.read(i, pixels);
            Images.writePng(
                    of.resolve(i + ".png"),
                    Images.fromFloats(pixels, 0, pictures.channels(), pictures.height(), pictures.width()));
        }
        return folder;
    }

    private static void assertFalling(List<Double> losses) {
        assertThat(losses).allMatch(Double::isFinite);
        int part = losses.size() / 4;
        assertThat(mean(losses.subList(losses.size() - part, losses.size())))
                .isLessThan(0.95 * mean(losses.subList(0, part)));
    }

    private static double mean(List<Double> values) {
        return values.stream().mapToDouble(v -> v).average().orElseThrow();
    }

    private static void assertPicture(Picture picture, int side) {
        assertThat(picture.width()).isEqualTo(side);
        assertThat(picture.height()).isEqualTo(side);
        for (float x : picture.toFloats()) {
            assertThat(Float.isFinite(x)).isTrue();
        }
    }

    private static void assertSize(BufferedImage image, int width, int height) {
        assertThat(image.getWidth()).isEqualTo(width);
        assertThat(image.getHeight()).isEqualTo(height);
    }

    private static List<String> files(Path folder) throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }
}
