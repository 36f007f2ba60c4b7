package org.aimjvm.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.Dimension;
import java.awt.Rectangle;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.Images;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageFolderTest {
    @TempDir Path folder;

    /** Columns get brighter to the right, so that crops and flips show. */
    private static BufferedImage ramp(int width, int height) {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int x = 0; x < width; x++) {
            for (int y = 0; y < height; y++) {
                image.setRGB(x, y, 0x010101 * (x * 255 / (width - 1)));
            }
        }
        return image;
    }

    @BeforeEach
    void write() throws IOException {
        Path cat = Files.createDirectories(folder.resolve("cat/deeper"));
        Path dog = Files.createDirectories(folder.resolve("dog"));
        ImageIO.write(ramp(20, 10), "png", cat.resolve("b.png").toFile());
        ImageIO.write(ramp(10, 20), "jpg", cat.getParent().resolve("a.JPG").toFile());
        ImageIO.write(ramp(16, 16), "bmp", dog.resolve("c.bmp").toFile());
        ImageIO.write(ramp(16, 16), "gif", dog.resolve("d.gif").toFile());
        Files.writeString(dog.resolve("broken.png"), "not a picture");
        Files.writeString(dog.resolve("notes.txt"), "ignored");
    }

    @Test
    void listsClassesInOrderAndLeavesBrokenFilesOut() {
        ImageFolder set = ImageFolder.open(folder, PictureOptions.of(8).withResizeShort(8).withRandomCrop(false));
        assertThat(set.classNames()).containsExactly("cat", "dog");
        assertThat(set.size()).isEqualTo(4);
        assertThat(set.file(0)).hasFileName("a.JPG");
        assertThat(set.file(1)).hasFileName("b.png");
        assertThat(set.label(3)).isEqualTo(1);
        assertThat(set.leftOut()).containsExactly(
                new LeftOut("dog/broken.png", "not a picture, expected PNG, JPEG, GIF, BMP or WebP"));
        float[] x = new float[3 * 8 * 8];
        for (int i = 0; i < set.size(); i++) {
            set.read(i, x);
            for (float v : x) {
                assertThat(v).isBetween(-1f, 1f);
            }
            assertThat(x[7]).isGreaterThan(x[0] + 0.4f);
        }
    }

    @Test
    void cropsAndFlipsAreFunctionsOfTheDraw() {
        ImageFolder set =
                ImageFolder.open(folder, PictureOptions.of(8).withResizeShort(10).withChannels(1).withFlip(true));
        float[] x = new float[64];
        float[] y = new float[64];
        int rising = 0;
        int different = 0;
        for (int draw = 1; draw <= 64; draw++) {
            set.read(1, draw, x, 0);
            set.read(1, draw, y, 0);
            assertThat(x).isEqualTo(y);
            rising += x[7] > x[0] ? 1 : 0;
            set.read(1, draw + 1, y, 0);
            different += Arrays.equals(x, y) ? 0 : 1;
        }
        assertThat(rising).isBetween(16, 48);
        assertThat(different).isGreaterThan(50);
        set.read(1, 0, x, 0);
        assertThat(x[0]).isLessThan(0).isGreaterThan(-1); // the centre
        assertThat(x[7]).isGreaterThan(0).isLessThan(1);
    }

    /** Every crop is a window of one of the sizes that may be drawn, and all windows of all sizes are drawn. */
    @Test
    void admRandomCropsAreWindowsOfAllSizes() throws IOException {
        PictureOptions options = PictureOptions.of(8).withAdmCrop(true);
        ImageFolder set = ImageFolder.open(folder, options);
        BufferedImage image = ramp(20, 10); // cat/b.png: short sides 8, 9, 10
        List<String> windows = new ArrayList<>();
        float[] x = new float[3 * 64];
        for (int shortSide = 8; shortSide <= 10; shortSide++) {
            Dimension size = Images.admSize(20, 10, shortSide);
            for (int left = 0; left <= size.width - 8; left++) {
                BufferedImage part = Images.admPart(image, shortSide, new Rectangle(left, 0, 8, 8));
                Images.toFloats(part, 3, x, 0);
                windows.add(Arrays.toString(x));
            }
        }
        assertThat(windows).doesNotHaveDuplicates().hasSize(9 + 11 + 13);
        int[] drawn = new int[windows.size()];
        float[] again = new float[x.length];
        for (int draw = 1; draw <= 2000; draw++) {
            set.read(1, draw, x, 0);
            set.read(1, draw, again, 0);
            assertThat(again).isEqualTo(x);
            int window = windows.indexOf(Arrays.toString(x));
            assertThat(window).isNotNegative();
            drawn[window]++;
        }
        assertThat(drawn).doesNotContain(0);
        assertThat(Arrays.stream(drawn, 0, 9).sum()).isBetween(560, 780); // a third, within 5 standard deviations
        set.read(1, 0, x, 0);
        assertThat(Arrays.toString(x)).isEqualTo(windows.get(4)); // ADM's centre crop
        ImageFolder center = ImageFolder.open(folder, options.withRandomCrop(false));
        center.read(1, 77, again, 0);
        assertThat(again).isEqualTo(x);
        ImageFolder least = ImageFolder.open(folder, options.withCropFraction(new CropFraction(1, 1)));
        least.read(1, 77, again, 0);
        assertThat(windows.indexOf(Arrays.toString(again))).isBetween(0, 8);
        assertThat(List.of(set, center, least).stream().map(ImageFolder::fingerprint)).doesNotHaveDuplicates();
    }

    @Test
    void classesOfOnePictureAreNamed() throws IOException {
        assertThat(ImageFolder.open(folder, PictureOptions.of(8)).singletonClasses()).isNull();
        Files.delete(folder.resolve("dog/c.bmp")); // beside the one that is left lies a broken one
        for (int i = 0; i < 11; i++) {
            Path one = Files.createDirectories(folder.resolve("x" + i));
            ImageIO.write(ramp(8, 8), "png", one.resolve("only.png").toFile());
        }
        assertThat(ImageFolder.open(folder, PictureOptions.of(8)).singletonClasses())
                .isEqualTo("12 classes of one picture: dog, x0, x1, x10, x2, x3, x4, x5, x6, x7, and 2 more");
    }

    @Test
    void cropFractionsOutOfRangeAreRefused() {
        assertThat(CropFraction.DEFAULT.shortest(256)).isEqualTo(256);
        assertThat(CropFraction.DEFAULT.longest(256)).isEqualTo(320);
        assertThat(new CropFraction(0.7, 0.9).shortest(32)).isEqualTo(36);
        assertThat(new CropFraction(0.7, 0.9).longest(32)).isEqualTo(46);
        for (double[] bad : new double[][] {{0, 1}, {0.9, 0.8}, {0.8, 1.1}, {Double.NaN, 1}, {0.8, Double.NaN}}) {
            assertThatThrownBy(() -> new CropFraction(bad[0], bad[1]))
                    .hasMessage("cropFraction: " + bad[0] + ", " + bad[1]
                            + " (expected two numbers above 0, at most 1, the smaller first)");
        }
    }

    @Test
    void fingerprintFollowsFilesAndOptions() throws IOException {
        PictureOptions options = PictureOptions.of(8);
        String print = ImageFolder.open(folder, options).fingerprint();
        assertThat(ImageFolder.open(folder, options).fingerprint()).isEqualTo(print);
        assertThat(ImageFolder.open(folder, PictureOptions.of(9)).fingerprint()).isNotEqualTo(print);
        ImageIO.write(ramp(9, 9), "png", folder.resolve("dog/e.png").toFile());
        assertThat(ImageFolder.open(folder, options).fingerprint()).isNotEqualTo(print);
    }

    @Test
    void aFolderWithoutPicturesIsRefused() {
        assertThatThrownBy(() -> ImageFolder.open(folder.resolve("cat/deeper"), PictureOptions.of(8)))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("expected a folder per class");
        assertThatThrownBy(() -> ImageFolder.open(folder.resolve("none"), PictureOptions.of(8)))
                .isInstanceOf(CheckpointException.class);
    }
}
