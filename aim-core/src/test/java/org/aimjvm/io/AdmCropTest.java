package org.aimjvm.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.Dimension;
import java.awt.Rectangle;
import java.awt.image.BufferedImage;
import java.util.Arrays;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AdmCropTest {
    private static BufferedImage picture(int width, int height) {
        int[] rgb = new int[width * height];
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                int red = (x * x * 7 + y * 13 + x * y) % 256;
                int green = (x * 31 + y * y * 3) % 256;
                int blue = (x * 5 ^ y * 11) % 256;
                rgb[y * width + x] = red << 16 | green << 8 | blue;
            }
        }
        return Images.ofRgb(rgb, width, height);
    }

    private static int[] pixels(BufferedImage image) {
        int[] rgb = image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
        return Arrays.stream(rgb).map(p -> p & 0xffffff).toArray();
    }

    /** CRC-32 of the RGB bytes that Pillow 12.3 makes of the same picture by the same steps. */
    @ParameterizedTest
    @CsvSource({
        "20, 13, 6, 2906820731",
        "13, 37, 8, 1458519524",
        "64, 41, 10, 3865738606",
        "7, 7, 7, 1191629716",
        "5, 9, 16, 1116307724",
        "101, 77, 9, 1212329078",
        "301, 225, 35, 1766747863",
        "3, 40, 4, 171724935",
        "1, 50, 3, 3851231856"
    })
    void pixelsAreThoseOfPillow(int width, int height, int side, long expected) {
        assertThat(crc(Images.admCrop(picture(width, height), side))).isEqualTo(expected);
    }

    private static long crc(BufferedImage image) {
        CRC32 crc = new CRC32();
        for (int p : pixels(image)) {
            crc.update(p >> 16);
            crc.update(p >> 8 & 0xff);
            crc.update(p & 0xff);
        }
        return crc.getValue();
    }

    /** The size and the CRC-32 of a window's RGB bytes that Pillow 12.3 makes by the steps of random_crop_arr. */
    @ParameterizedTest
    @CsvSource({
        "20, 13, 7, 3, 1, 6, 11, 7, 473608234",
        "13, 37, 9, 1, 17, 8, 9, 26, 3725791002",
        "64, 41, 12, 6, 0, 10, 19, 12, 2400290801",
        "301, 225, 43, 20, 8, 35, 58, 43, 2691078028",
        "5, 9, 20, 0, 13, 16, 20, 36, 2308815203",
        "33, 21, 10, 5, 0, 8, 16, 10, 1535038913"
    })
    void partsAreThoseOfPillow(
            int width, int height, int shortSide, int x, int y, int side, int wholeWidth, int wholeHeight,
            long expected) {
        assertThat(Images.admSize(width, height, shortSide)).isEqualTo(new Dimension(wholeWidth, wholeHeight));
        assertThat(crc(Images.admPart(picture(width, height), shortSide, new Rectangle(x, y, side, side))))
                .isEqualTo(expected);
    }

    @Test
    void aPictureIsHalvedWhileItIsTwiceAsLarge() {
        // 4 x 4 to 2 x 2 by means of 2 x 2 pixels, and then the bicubic step changes nothing.
        int[] gray = {10, 20, 0, 255, 30, 40, 0, 255, 1, 1, 100, 100, 2, 2, 100, 100};
        int[] rgb = Arrays.stream(gray).map(g -> g * 0x010101).toArray();
        int[] made = pixels(Images.admCrop(Images.ofRgb(rgb, 4, 4), 2));
        assertThat(Arrays.stream(made).map(p -> p & 0xff).toArray()).containsExactly(25, 128, 2, 100);
    }

    @Test
    void theMiddleIsCutWithTheOddRemainderOnTheRight() {
        int[] row = {1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6};
        assertThat(pixels(Images.admCrop(Images.ofRgb(row, 6, 3), 3))).containsExactly(2, 3, 4, 2, 3, 4, 2, 3, 4);
    }

    @Test
    void aPartIsThatOfTheWhole() {
        int[] rgb = pixels(picture(40, 30));
        for (ByteResampler.Filter filter : ByteResampler.Filter.values()) {
            int[] whole = ByteResampler.resize(filter, rgb, 40, 30, 17, 50, new Rectangle(17, 50));
            int[] part = ByteResampler.resize(filter, rgb, 40, 30, 17, 50, new Rectangle(5, 31, 9, 8));
            for (int i = 0; i < part.length; i++) {
                assertThat(part[i]).isEqualTo(whole[(31 + i / 9) * 17 + 5 + i % 9]);
            }
        }
    }

    @Test
    void impossibleSizesAreRefused() {
        assertThatThrownBy(() -> Images.admCrop(picture(4, 4), 0)).hasMessage("side: 0 (expected at least 1)");
        assertThatThrownBy(() -> ByteResampler.resize(
                ByteResampler.Filter.BOX, new int[4], 2, 2, 0, 1, new Rectangle(1, 1)))
                .hasMessageStartingWith("size: 0 x 1");
        assertThatThrownBy(() -> ByteResampler.resize(
                ByteResampler.Filter.BOX, new int[4], 2, 2, 2, 2, new Rectangle(1, 0, 2, 2)))
                .hasMessageStartingWith("part: 2 x 2 at (1, 0)");
    }
}
