package org.aimjvm.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import org.aimjvm.io.Images;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TenCropsTest {
    /** {@code count} gray pictures whose pixel values are their numbers: 100 i + row * width + column. */
    private static ArrayPictures numbered(int count, int height, int width) {
        float[] pixels = new float[count * height * width];
        int[] labels = new int[count];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = i / (height * width) * 100 + i % (height * width);
        }
        Arrays.setAll(labels, i -> i % 2);
        return new ArrayPictures(1, height, width, List.of("a", "b"), labels, pixels);
    }

    private static float[] view(TenCrops crops, int index) {
        float[] x = new float[crops.pictureSize()];
        crops.read(index, x);
        return x;
    }

    @Test
    void viewsAreCornersAndCentreThenThoseOfTheMirrorImage() {
        // 0  1  2  3
        // 4  5  6  7
        // 8  9 10 11
        // 12 13 14 15
        TenCrops crops = new TenCrops(numbered(1, 4, 4), 2);
        float[][] expected = {
            {0, 1, 4, 5}, {2, 3, 6, 7}, {8, 9, 12, 13}, {10, 11, 14, 15}, {5, 6, 9, 10}, {3, 2, 7, 6}, {1, 0, 5, 4},
            {11, 10, 15, 14}, {9, 8, 13, 12}, {6, 5, 10, 9}
        };
        for (int v = 0; v < TenCrops.VIEWS; v++) {
            assertThat(view(crops, v)).as("view %d", v).containsExactly(expected[v]);
        }
    }

    @Test
    void aCentreWithAnOddMarginIsRoundedToEvenOfPictureAndMirrorImage() {
        // Columns 0 to 4 and rows of 5; margins 3 across (1.5 becomes 2) and 1 down (0.5 becomes 0).
        TenCrops crops = new TenCrops(numbered(1, 3, 5), 2);
        assertThat(view(crops, 4)).containsExactly(2, 3, 7, 8);
        assertThat(view(crops, 9)).containsExactly(2, 1, 7, 6);
        assertThat(view(crops, 3)).containsExactly(8, 9, 13, 14);
    }

    @Test
    void mirroredCornersComeInPairsInEveryChannel() {
        float[] pixels = new float[3 * 7 * 7];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = i;
        }
        TenCrops crops = new TenCrops(new ArrayPictures(3, 7, 7, List.of("a"), new int[1], pixels), 4);
        int[] partner = {6, 5, 8, 7};
        for (int v = 0; v < partner.length; v++) {
            float[] x = view(crops, v);
            float[] y = view(crops, partner[v]);
            for (int i = 0; i < x.length; i++) {
                assertThat(y[i / 4 * 4 + 3 - i % 4]).isEqualTo(x[i]);
            }
        }
        assertThat(view(crops, 0)[16]).isEqualTo(49);
    }

    @Test
    void viewsOfAPictureAreAPassOfAllPicturesApart() {
        TenCrops crops = new TenCrops(numbered(3, 2, 2), 1);
        assertThat(crops.size()).isEqualTo(30);
        assertThat(crops.crops()).isEqualTo(10);
        for (int i = 0; i < 30; i++) {
            assertThat(crops.label(i)).isEqualTo(i % 3 % 2);
            assertThat(view(crops, i)[0]).isBetween(i % 3 * 100f, i % 3 * 100f + 3);
        }
        float[] drawn = new float[3];
        crops.read(4, 77, drawn, 1);
        assertThat(drawn).containsExactly(0, view(crops, 4)[0], 0);
        assertThat(crops.fingerprint()).isEqualTo(new TenCrops(numbered(3, 2, 2), 1).fingerprint())
                .isNotEqualTo(new TenCrops(numbered(3, 2, 2), 2).fingerprint());
    }

    @Test
    void theWholeIsRoundedDownAsPublished() {
        assertThat(TenCrops.wholeSide(256, 1.1)).isEqualTo(281);
        assertThat(TenCrops.wholeSide(384, 1.1)).isEqualTo(422);
        assertThat(TenCrops.wholeSide(256, 1.05)).isEqualTo(268);
        assertThat(TenCrops.wholeSide(8, 1)).isEqualTo(8);
    }

    @Test
    void filesAreCutFromTheirAdmCrop(@TempDir Path folder) throws Exception {
        BufferedImage image = new BufferedImage(45, 31, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < 45 * 31; i++) {
            image.setRGB(i % 45, i / 45, i * 7919 & 0xffffff);
        }
        ImageIO.write(image, "png", Files.createDirectories(folder.resolve("a")).resolve("p.png").toFile());
        PictureOptions options = PictureOptions.of(11).withAdmCrop(true).withRandomCrop(false);
        float[] expected = new float[3 * 121];
        Images.toFloats(Images.admCrop(image, 11), 3, expected, 0);
        ImageFolder set = ImageFolder.open(folder, options);
        float[] x = new float[3 * 121];
        for (long draw : new long[] {0, 5}) { // no random crop
            set.read(0, draw, x, 0);
            assertThat(x).isEqualTo(expected);
        }
        float[] corner = view(new TenCrops(set, 8), 3);
        assertThat(corner[0]).isEqualTo(expected[3 * 11 + 3]);
        assertThat(corner[191]).isEqualTo(expected[3 * 121 - 1]);
        assertThat(set.fingerprint()).isNotEqualTo(ImageFolder.open(folder, PictureOptions.of(11)).fingerprint());
    }

    @Test
    void impossibleViewsAreRefused() {
        ArrayPictures pictures = numbered(1, 3, 5);
        assertThatThrownBy(() -> new TenCrops(pictures, 4))
                .hasMessage("side: 4 (expected 1 to 3, the shorter side of the pictures)");
        assertThatThrownBy(() -> new TenCrops(pictures, 0)).hasMessageStartingWith("side: 0");
        assertThatThrownBy(() -> new TenCrops(new TenCrops(pictures, 3), 2))
                .hasMessageStartingWith("pictures: 10 with 10 views each");
        for (double range : new double[] {0.99, Double.NaN, Double.POSITIVE_INFINITY, 1e9}) {
            assertThatThrownBy(() -> TenCrops.wholeSide(256, range)).hasMessageStartingWith("range: " + range);
        }
    }
}
