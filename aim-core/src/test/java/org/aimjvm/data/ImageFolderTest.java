package org.aimjvm.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import javax.imageio.ImageIO;
import org.aimjvm.io.CheckpointException;
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
