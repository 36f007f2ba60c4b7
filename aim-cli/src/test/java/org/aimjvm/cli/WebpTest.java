package org.aimjvm.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.aimjvm.data.ImageFolder;
import org.aimjvm.data.PictureOptions;
import org.aimjvm.io.Images;
import org.aimjvm.io.PictureHeader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The command line reads WebP, by a reader that the library alone does not have. */
class WebpTest {
    @TempDir Path dir;

    private static Path file(String name) throws URISyntaxException {
        return Path.of(WebpTest.class.getResource("/webp/" + name).toURI());
    }

    @ParameterizedTest
    @CsvSource({"lossless, 0", "exif_6, 0", "lossy, 16"})
    void webpFilesHaveThePixelsOfPillow(String name, int tolerance) throws IOException, URISyntaxException {
        assertThat(Images.canRead(PictureHeader.Format.WEBP)).isTrue();
        BufferedImage got = Images.read(file(name + ".webp"));
        BufferedImage expected = Images.read(file(name + ".png"));
        assertThat(List.of(got.getWidth(), got.getHeight()))
                .containsExactly(expected.getWidth(), expected.getHeight());
        for (int y = 0; y < got.getHeight(); y++) {
            for (int x = 0; x < got.getWidth(); x++) {
                for (int shift = 0; shift <= 16; shift += 8) {
                    int difference = (got.getRGB(x, y) >> shift & 0xff) - (expected.getRGB(x, y) >> shift & 0xff);
                    assertThat(Math.abs(difference)).isLessThanOrEqualTo(tolerance);
                }
            }
        }
    }

    @Test
    void aFolderOfWebpFilesIsAClass() throws IOException, URISyntaxException {
        Path fish = Files.createDirectories(dir.resolve("fish"));
        Files.copy(file("lossy.webp"), fish.resolve("a.webp"));
        byte[] bytes = Files.readAllBytes(file("lossy.webp"));
        Path cut = Files.write(fish.resolve("cut.webp"), Arrays.copyOf(bytes, bytes.length - 5));
        assertThatIOException().isThrownBy(() -> Images.read(cut)).withMessageContaining("ends early");
        ImageFolder set = ImageFolder.open(dir, PictureOptions.of(8));
        assertThat(set.summary(null)).startsWith("1 picture of 1 class: fish 1; 1 left out: fish/cut.webp: ends early");
        set.read(0, new float[set.pictureSize()]);
    }
}
