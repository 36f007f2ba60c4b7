package org.aimjvm.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class LanczosTest {
    private static int[] resize(int[] rgb, int w, int h, int width, int height) {
        return Lanczos.resize(rgb, w, h, width, height);
    }

    @Test
    void theSameSizeIsTheIdentity() {
        int[] rgb = {0x000000, 0xffffff, 0x123456, 0xff0080, 0x00ff00, 0x0000ff};
        assertThat(resize(rgb, 3, 2, 3, 2)).isEqualTo(rgb);
    }

    @Test
    void flatPicturesStayFlatAtEverySize() {
        for (int size = 1; size < 40; size += 3) {
            for (int target = 1; target < 40; target += 2) {
                int[] rgb = new int[size * 2];
                Arrays.fill(rgb, 0x0180ff);
                assertThat(resize(rgb, size, 2, target, 3)).containsOnly(0x0180ff).hasSize(target * 3);
            }
        }
    }

    @Test
    void rowsAndColumnsAreTreatedAlike() {
        int[] row = {0x10, 0x80, 0xf0, 0x20, 0x44, 0x99, 0xab, 0x01};
        for (int target : new int[] {3, 5, 8, 11}) {
            assertThat(resize(row, 8, 1, target, 1)).isEqualTo(resize(row, 1, 8, 1, target));
        }
    }

    @Test
    void aRampShrinksToARamp() {
        int[] ramp = new int[256];
        Arrays.setAll(ramp, i -> i);
        int[] half = resize(ramp, 256, 1, 128, 1);
        for (int i = 4; i < 124; i++) { // away from the border, where the kernel is cut
            assertThat((double) half[i]).isCloseTo(2 * i + 0.5, within(0.51));
        }
    }

    @Test
    void aSingleDoublingHasTheKernelsWeights() {
        // One bright pixel, doubled: samples of the kernel at -0.25, 0.25, 0.75, ..., scaled to sum to one.
        int[] spot = new int[21];
        spot[10] = 200;
        int[] twice = resize(spot, 21, 1, 42, 1);
        double sum = 0;
        for (int k = -3; k < 3; k++) {
            sum += lanczos(k + 0.25);
        }
        for (int i = 0; i < 42; i++) {
            double x = (i + 0.5) / 2 - 10.5;
            double expected = Math.clamp(200 * lanczos(x) / sum, 0, 255);
            assertThat((double) twice[i]).as("pixel %d", i).isCloseTo(expected, within(0.51));
        }
    }

    private static double lanczos(double x) {
        return Math.abs(x) >= 3 ? 0
                : 3 * Math.sin(Math.PI * x) * Math.sin(Math.PI * x / 3) / (Math.PI * Math.PI * x * x);
    }

    @Test
    void theFinestPatternShrinksToItsMean() {
        int[] stripes = new int[300];
        Arrays.setAll(stripes, i -> i % 2 * 255);
        int[] fifth = resize(stripes, 300, 1, 60, 1);
        for (int i = 3; i < 57; i++) { // away from the border, where the kernel is cut
            assertThat(fifth[i]).isBetween(126, 129);
        }
    }

    @Test
    void theShortSideGetsTheSize() {
        BufferedImage wide = Images.ofRgb(new int[500 * 375], 500, 375);
        assertThat(Images.resizeShortSide(wide, 288)).returns(384, BufferedImage::getWidth).returns(
                288, BufferedImage::getHeight);
        BufferedImage tall = Images.ofRgb(new int[333 * 500], 333, 500);
        assertThat(Images.resizeShortSide(tall, 288)).returns(288, BufferedImage::getWidth).returns(
                432, BufferedImage::getHeight);
        BufferedImage square = Images.ofRgb(new int[4], 2, 2);
        assertThat(Images.resizeShortSide(square, 2)).returns(2, BufferedImage::getWidth);
    }
}
