package org.aimjvm.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.awt.Transparency;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.awt.image.WritableRaster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.aimjvm.io.CheckpointException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Files of every depth and kind of colour become the same kind of picture. */
class PictureKindsTest {
    private static final int SIZE = 8;

    @TempDir Path root;

    /** A picture of one colour: the samples of every pixel. */
    private static BufferedImage plain(int space, boolean alpha, int dataType, int... samples) {
        ComponentColorModel model = new ComponentColorModel(
                ColorSpace.getInstance(space), alpha, false,
                alpha ? Transparency.TRANSLUCENT : Transparency.OPAQUE, dataType);
        WritableRaster raster = model.createCompatibleWritableRaster(SIZE, SIZE);
        for (int i = 0; i < SIZE * SIZE; i++) {
            raster.setPixel(i % SIZE, i / SIZE, samples);
        }
        return new BufferedImage(model, raster, false, null);
    }

    private static BufferedImage palette(int rgb) {
        byte[][] rows = new byte[3][2];
        for (int c = 0; c < 3; c++) {
            rows[c][1] = (byte) (rgb >> 16 - 8 * c);
        }
        BufferedImage image = new BufferedImage(
                SIZE, SIZE, BufferedImage.TYPE_BYTE_INDEXED, new IndexColorModel(1, 2, rows[0], rows[1], rows[2]));
        for (int i = 0; i < SIZE * SIZE; i++) {
            image.getRaster().setSample(i % SIZE, i / SIZE, 0, 1);
        }
        return image;
    }

    static Stream<Arguments> kinds() {
        int gray = ColorSpace.CS_GRAY;
        int rgb = ColorSpace.CS_sRGB;
        int bytes = DataBuffer.TYPE_BYTE;
        int shorts = DataBuffer.TYPE_USHORT;
        return Stream.of(
                Arguments.of("gray", plain(gray, false, bytes, 100), new int[] {100, 100, 100}),
                Arguments.of("gray, 16 bits", plain(gray, false, shorts, 100 * 257 + 50), new int[] {100, 100, 100}),
                Arguments.of("gray, alpha", plain(gray, true, bytes, 100, 51), new int[] {224, 224, 224}),
                Arguments.of("gray, alpha, 16 bits", plain(gray, true, shorts, 25700, 13107),
                        new int[] {224, 224, 224}),
                Arguments.of("palette", palette(0x102030), new int[] {16, 32, 48}),
                Arguments.of("RGB", plain(rgb, false, bytes, 16, 32, 48), new int[] {16, 32, 48}),
                Arguments.of("RGB, 16 bits", plain(rgb, false, shorts, 4112, 8224, 65535), new int[] {16, 32, 255}),
                Arguments.of("RGBA", plain(rgb, true, bytes, 0, 100, 255, 51), new int[] {204, 224, 255}),
                Arguments.of("RGBA, 16 bits", plain(rgb, true, shorts, 0, 25700, 65535, 0), new int[] {255, 255, 255}));
    }

    private ImageFolder open(BufferedImage image, int channels) throws IOException {
        Path folder = Files.createDirectories(root.resolve("set/one"));
        assertThat(ImageIO.write(image, "png", folder.resolve("a.png").toFile())).isTrue();
        return ImageFolder.open(root.resolve("set"), PictureOptions.of(SIZE).withChannels(channels));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("kinds")
    void everyKindIsReadInAnRgbAndInAGrayRun(String kind, BufferedImage image, int[] rgb) throws IOException {
        ImageFolder colours = open(image, 3);
        float[] pixels = new float[colours.pictureSize()];
        colours.read(0, pixels);
        for (int c = 0; c < 3; c++) {
            assertThat(pixels[c * SIZE * SIZE + 5]).as("channel %d", c).isEqualTo(rgb[c] / 127.5f - 1);
        }
        ImageFolder gray = open(image, 1);
        float[] luma = new float[gray.pictureSize()];
        gray.read(0, luma);
        double expected = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
        assertThat((luma[5] + 1) * 127.5).isCloseTo(expected, within(0.51));
    }

    @Test
    void aClassOfOnePictureIsAClass() throws IOException {
        ImageFolder set = open(palette(0), 3);
        assertThat(set.size()).isEqualTo(1);
        assertThat(set.singletonClasses()).isEqualTo("1 class of one picture: one");
        Files.createDirectories(root.resolve("set/two"));
        assertThatThrownBy(() -> open(palette(0), 3)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("two: no PNG").hasMessageContaining("--skip-empty-classes");
    }
}
