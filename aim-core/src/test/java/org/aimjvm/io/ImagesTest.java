package org.aimjvm.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImagesTest {
    @TempDir Path folder;

    private static BufferedImage noise(int w, int h) {
        int[] rgb = new Random(1).ints((long) w * h, 0, 1 << 24).toArray();
        return Images.ofRgb(rgb, w, h);
    }

    private Path save(BufferedImage image, String format) throws IOException {
        Path path = folder.resolve("picture." + format);
        assertThat(ImageIO.write(image, format, path.toFile())).isTrue();
        return path;
    }

    private static int[] pixels(BufferedImage image) {
        assertThat(image.getType()).isEqualTo(BufferedImage.TYPE_INT_RGB);
        int[] rgb = image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
        return Arrays.stream(rgb).map(p -> p & 0xffffff).toArray();
    }

    @Test
    void goldenFloatsBecomeTheGoldenBytesAndPictures() throws IOException {
        Npy floats = Npy.read(FormatsGolden.file("../e2e/image.npy"));
        Npy bytes = Npy.read(FormatsGolden.file("../e2e/image_u8.npy"));
        int[] rgb = bytes.ints();
        byte[] got = Images.toBytes(floats.floats(), 3, 8, 8);
        for (int i = 0; i < rgb.length; i++) {
            assertThat(got[i] & 0xff).as("value %d", i).isEqualTo(rgb[i]);
        }
        for (int n = 0; n < 2; n++) {
            BufferedImage png = Images.read(FormatsGolden.file("../e2e/image" + n + ".png"));
            assertThat(pixels(Images.fromFloats(floats.floats(), n, 3, 8, 8))).isEqualTo(pixels(png));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "-1, 0", "1, 255", "0, 128", "-1.5, 0", "2, 255", "NaN, 0", "Infinity, 255", "-Infinity, 0", "-0.9961, 0",
        "-0.996, 1"
    })
    void floatsAreClampedAndRounded(float x, int expected) {
        assertThat(Images.toByte(x)).isEqualTo(expected);
    }

    @Test
    void bytesToFloatsAndBackIsTheIdentity() {
        int[] gray = new int[256];
        Arrays.setAll(gray, v -> v * 0x010101);
        BufferedImage image = Images.ofRgb(gray, 16, 16);
        for (int channels : new int[] {1, 3}) {
            float[] floats = Images.toFloats(image, channels);
            assertThat(floats[0]).isEqualTo(-1);
            assertThat(floats[255]).isEqualTo(1);
            assertThat(pixels(Images.fromFloats(floats, 0, channels, 16, 16))).isEqualTo(gray);
        }
        BufferedImage noise = noise(7, 5);
        float[] batch = new float[2 * 3 * 35];
        Images.toFloats(noise, 3, batch, 105);
        assertThat(pixels(Images.fromFloats(batch, 1, 3, 5, 7))).isEqualTo(pixels(noise));
        assertThat(batch).startsWith(new float[105]);
        assertThatThrownBy(() -> Images.toFloats(noise, 3, batch, 106)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Images.toFloats(noise, 2)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Images.fromFloats(batch, 2, 3, 5, 7)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Images.toBytes(batch, 3, 5, 8)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void lumaWeighsTheColours() {
        BufferedImage colours = Images.ofRgb(new int[] {0xff0000, 0x00ff00, 0x0000ff}, 3, 1);
        float[] luma = Images.toFloats(colours, 1);
        assertThat(luma[0]).isEqualTo(76 / 127.5f - 1);
        assertThat(luma[1]).isEqualTo(150 / 127.5f - 1);
        assertThat(luma[2]).isEqualTo(29 / 127.5f - 1);
    }

    @Test
    void grayBytesAreRepeatedOverTheChannels() {
        byte[] bytes = Images.toBytes(new float[] {-1, 1, 0, 1}, 1, 1, 2);
        assertThat(bytes).containsExactly(0, 0, 0, -1, -1, -1, -128, -128, -128, -1, -1, -1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"png", "bmp"})
    void losslessFormatsComeBackExactly(String format) throws IOException {
        BufferedImage image = noise(13, 9);
        assertThat(pixels(Images.read(save(image, format)))).isEqualTo(pixels(image));
    }

    @Test
    void jpegsAndGifsAreRead() throws IOException {
        int[] flat = new int[256];
        Arrays.fill(flat, 0x4080c0);
        BufferedImage image = Images.ofRgb(flat, 16, 16);
        for (int p : pixels(Images.read(save(image, "jpg")))) {
            assertThat(p >> 16 & 0xff).isCloseTo(0x40, within(3));
            assertThat(p & 0xff).isCloseTo(0xc0, within(3));
        }
        assertThat(pixels(Images.read(save(image, "gif")))).isEqualTo(flat);
    }

    @ParameterizedTest
    @ValueSource(ints = {BufferedImage.TYPE_BYTE_GRAY, BufferedImage.TYPE_USHORT_GRAY})
    void grayValuesStayWhatTheyAre(int type) throws IOException {
        BufferedImage gray = new BufferedImage(256, 1, type);
        for (int v = 0; v < 256; v++) {
            gray.getRaster().setSample(v, 0, 0, type == BufferedImage.TYPE_BYTE_GRAY ? v : v * 257);
        }
        int[] expected = new int[256];
        Arrays.setAll(expected, v -> v * 0x010101);
        assertThat(pixels(Images.read(save(gray, "png")))).isEqualTo(expected);
    }

    @Test
    void transparencyAndPalettesEndUpOnWhite() throws IOException {
        BufferedImage argb = new BufferedImage(3, 1, BufferedImage.TYPE_INT_ARGB);
        argb.setRGB(0, 0, 3, 1, new int[] {0x00ff0000, 0x80000000, 0xff123456}, 0, 3);
        assertThat(pixels(Images.read(save(argb, "png")))).containsExactly(0xffffff, 0x7f7f7f, 0x123456);

        byte[] red = {10, (byte) 200};
        byte[] green = {20, 0};
        byte[] blue = {30, 0};
        IndexColorModel palette = new IndexColorModel(1, 2, red, green, blue, 1);
        BufferedImage indexed = new BufferedImage(2, 1, BufferedImage.TYPE_BYTE_BINARY, palette);
        indexed.getRaster().setSample(1, 0, 0, 1);
        assertThat(pixels(Images.read(save(indexed, "png")))).containsExactly(0x0a141e, 0xffffff);
    }

    @Test
    void brokenFilesAreIoExceptionsThatNameTheFile() throws IOException {
        byte[][] whole = {Images.png(noise(20, 20)), jpeg(noise(20, 20))};
        Path path = folder.resolve("broken.png");
        int refused = 0;
        for (int seed = 0; seed < 600; seed++) {
            Random random = new Random(seed);
            byte[] file = whole[seed % 2].clone();
            for (int n = 0; n < 6; n++) {
                file[random.nextInt(file.length)] = (byte) random.nextInt();
            }
            file = random.nextBoolean() ? Arrays.copyOf(file, random.nextInt(file.length)) : file;
            try {
                ImageDecoder.decode(path, file, true);
            } catch (IOException e) {
                assertThat(e).as("seed %d", seed).hasMessageStartingWith(path + ": ");
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(100);
        Files.writeString(path, "not a picture");
        assertThatIOException().isThrownBy(() -> Images.read(path))
                .withMessageContaining("not a picture, expected PNG");
        assertThatIOException().isThrownBy(() -> Images.read(folder.resolve("absent.png")))
                .isInstanceOf(NoSuchFileException.class);
    }

    private static byte[] jpeg(BufferedImage image) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ImageIO.write(image, "jpg", out);
        return out.toByteArray();
    }

    @Test
    void aPictureWithTooManyPixelsIsRefusedByItsHeader() {
        byte[] png = Images.png(noise(2, 2));
        ByteBuffer.wrap(png).putInt(16, 1 << 20).putInt(20, 1 << 20);
        CRC32 crc = new CRC32();
        crc.update(png, 12, 17);
        ByteBuffer.wrap(png).putInt(29, (int) crc.getValue());
        assertThatIOException().isThrownBy(() -> ImageDecoder.decode(Path.of("big.png"), png, true))
                .withMessageContaining("big.png: 1099511627776 pixels, expected at most");
    }

    @Test
    void pngFilesAppearWholeAndAreReproducible() throws IOException {
        BufferedImage image = noise(5, 4);
        Path path = folder.resolve("sub/x.png");
        Images.writePng(path, image);
        assertThat(pixels(Images.read(path))).isEqualTo(pixels(image));
        assertThat(Files.readAllBytes(path)).isEqualTo(Images.png(image));
        assertThat(folder.resolve("sub")).isDirectoryNotContaining("glob:**.tmp");
    }

    @Test
    void gridsPlacePicturesInRows() {
        BufferedImage a = Images.ofRgb(new int[] {1, 2, 3, 4}, 2, 2);
        BufferedImage b = Images.ofRgb(new int[] {5}, 1, 1);
        BufferedImage grid = Images.grid(List.of(a, b, a), 2, 1);
        assertThat(grid.getWidth()).isEqualTo(7);
        assertThat(grid.getHeight()).isEqualTo(7);
        int w = 0xffffff;
        assertThat(pixels(grid))
                .containsExactly(
                        w, w, w, w, w, w, w, //
                        w, 1, 2, w, 5, w, w, //
                        w, 3, 4, w, w, w, w, //
                        w, w, w, w, w, w, w, //
                        w, 1, 2, w, w, w, w, //
                        w, 3, 4, w, w, w, w, //
                        w, w, w, w, w, w, w);
        assertThat(Images.grid(List.of(a), 8, 0).getWidth()).isEqualTo(2);
        assertThatThrownBy(() -> Images.grid(List.of(), 1, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void cropsAndFlips() {
        int[] numbers = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
        BufferedImage image = Images.ofRgb(numbers, 4, 3);
        assertThat(pixels(Images.crop(image, 1, 1, 2, 2))).containsExactly(5, 6, 9, 10);
        assertThat(pixels(Images.centerCrop(image, 1, 1))).containsExactly(5);
        assertThat(pixels(Images.flip(image))).containsExactly(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8);
        assertThatThrownBy(() -> Images.crop(image, 3, 0, 2, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Images.centerCrop(image, 5, 1)).isInstanceOf(IllegalArgumentException.class);
    }
}
