package org.aimjvm.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.awt.Rectangle;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageOutputStream;
import org.aimjvm.io.PictureHeader.Format;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Picture files of all kinds that are met: colours, orientation, canvas, and files that are not what they claim. */
class PictureFilesTest {
    private static final int TOLERANCE = 3;

    @TempDir Path dir;

    private static Path file(String name) {
        try {
            return Path.of(PictureFilesTest.class.getResource("/pictures/" + name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    static List<String> jpegs() throws IOException {
        try (Stream<Path> files = Files.list(file("jfif.jpg").getParent())) {
            return files.map(p -> p.getFileName().toString()).filter(n -> n.endsWith(".jpg")).sorted().toList();
        }
    }

    private static int[] pixels(BufferedImage image) {
        return image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
    }

    private static void assertClose(BufferedImage got, BufferedImage expected, int tolerance) {
        assertThat(List.of(got.getWidth(), got.getHeight())).containsExactly(expected.getWidth(), expected.getHeight());
        int[] a = pixels(got);
        int[] b = pixels(expected);
        int worst = 0;
        for (int i = 0; i < a.length; i++) {
            for (int shift = 0; shift <= 16; shift += 8) {
                worst = Math.max(worst, Math.abs((a[i] >> shift & 0xff) - (b[i] >> shift & 0xff)));
            }
        }
        assertThat(worst).isLessThanOrEqualTo(tolerance);
    }

    @ParameterizedTest
    @MethodSource("jpegs")
    void jpegsOfAllKindsHaveTheColoursOfPillow(String name) throws IOException {
        assertClose(Images.read(file(name)), Images.read(file(name + ".png")), TOLERANCE);
        assertThat(PictureHeader.read(file(name)).format()).isEqualTo(Format.JPEG);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
    void orientationCanBeIgnored(int orientation) throws IOException {
        assertThat(pixels(Images.readAsStored(file("exif_" + orientation + ".jpg"))))
                .isEqualTo(pixels(Images.read(file("exif_1.jpg"))));
    }

    @ParameterizedTest
    @ValueSource(strings = {"jfif_420.jpg", "jfif_progressive.jpg", "cmyk_progressive.jpg", "jfif.jpg.png"})
    void aFileCutAnywhereIsLeftOut(String name) throws IOException {
        byte[] whole = Files.readAllBytes(file(name));
        Path cut = dir.resolve("cut");
        for (int length = 0; length < whole.length; length += length < 40 ? 1 : 37) {
            Files.write(cut, Arrays.copyOf(whole, length));
            assertThatIOException().as("%d bytes", length).isThrownBy(() -> PictureHeader.read(cut))
                    .withMessageStartingWith(cut + ": ");
            assertThatIOException().isThrownBy(() -> Images.read(cut));
        }
        Files.write(cut, Arrays.copyOf(whole, whole.length + 1000)); // what programs append does no harm
        assertThat(pixels(Images.read(cut))).isEqualTo(pixels(Images.read(file(name))));
    }

    @Test
    void aJpegWithItsEndMarkButNotItsMiddleIsFoundWhenItIsDecoded() throws IOException {
        byte[] whole = Files.readAllBytes(file("jfif.jpg"));
        byte[] cut = Arrays.copyOf(whole, whole.length - 100);
        cut[cut.length - 2] = (byte) 0xff;
        cut[cut.length - 1] = (byte) 0xd9;
        Path file = Files.write(dir.resolve("middle.jpg"), cut);
        assertThat(PictureHeader.read(file).width()).isEqualTo(20);
        assertThatIOException().isThrownBy(() -> Images.read(file)).withMessageContaining("premature end");
    }

    @Test
    void anEndMarkInAThumbnailIsNotThatOfThePicture() throws IOException {
        byte[] whole = Files.readAllBytes(file("jfif.jpg"));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(whole, 0, 2);
        out.write(new byte[] {(byte) 0xff, (byte) 0xe2, 0, 6, (byte) 0xff, (byte) 0xd8, (byte) 0xff, (byte) 0xd9});
        out.write(whole, 2, whole.length - 40);
        Path file = Files.write(dir.resolve("thumbnail.jpg"), out.toByteArray());
        assertThatIOException().isThrownBy(() -> PictureHeader.read(file)).withMessageContaining("ends early");
    }

    @Test
    void aSizeIsBelievedOnlyIfTheBytesCanHoldIt() throws IOException {
        byte[] jpeg = Files.readAllBytes(file("gray.jpg"));
        int sof = indexOf(jpeg, 0xc0);
        ByteBuffer.wrap(jpeg).putShort(sof + 4, (short) 9999).putShort(sof + 6, (short) 9999);
        assertClaimRefused("big.jpg", jpeg);
        byte[] bmp = bmp(2, 2, 0xff);
        ByteBuffer.wrap(bmp).order(ByteOrder.LITTLE_ENDIAN).putInt(18, 9999).putInt(22, 9999);
        Path big = Files.write(dir.resolve("big.bmp"), bmp);
        assertThatIOException().isThrownBy(() -> Images.read(big)).withMessageContaining("ends early");
        byte[] gif = gif(new BufferedImage(3, 2, BufferedImage.TYPE_BYTE_BINARY));
        ByteBuffer.wrap(gif).order(ByteOrder.LITTLE_ENDIAN).putShort(6, (short) 9999).putShort(8, (short) 9999);
        assertClaimRefused("big.gif", gif);
        assertClaimRefused("big.webp", webp(9999, 9999));
    }

    private void assertClaimRefused(String name, byte[] bytes) throws IOException {
        Path file = Files.write(dir.resolve(name), bytes);
        for (int i = 0; i < 2; i++) {
            boolean decode = i == 1;
            assertThatIOException().isThrownBy(() -> {
                if (decode) {
                    Images.read(file);
                } else {
                    PictureHeader.read(file);
                }
            }).withMessageContaining(name + ": claims 9999 x 9999 pixels, more than its " + bytes.length);
        }
    }

    private static int indexOf(byte[] bytes, int marker) {
        for (int i = 0;; i++) {
            if ((bytes[i] & 0xff) == 0xff && (bytes[i + 1] & 0xff) == marker) {
                return i + 1;
            }
        }
    }

    /** The limits must let the smallest files through that encoders make. */
    @Test
    void flatPicturesAreSmallAndBelieved() throws IOException {
        BufferedImage flat = new BufferedImage(3000, 2000, BufferedImage.TYPE_BYTE_GRAY);
        for (String format : List.of("png", "jpg", "gif", "bmp")) {
            Path file = dir.resolve("flat." + format);
            ImageIO.write(flat, format, file.toFile());
            assertThat(Images.read(file).getWidth()).as(format).isEqualTo(3000);
        }
        Path progressive = dir.resolve("progressive.jpg");
        ImageWriter writer = ImageIO.getImageWritersByFormatName("jpg").next();
        ImageWriteParam param = writer.getDefaultWriteParam();
        param.setProgressiveMode(ImageWriteParam.MODE_DEFAULT);
        param.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
        param.setCompressionQuality(0.01f);
        try (ImageOutputStream out = ImageIO.createImageOutputStream(progressive.toFile())) {
            writer.setOutput(out);
            writer.write(null, new IIOImage(flat, null, null), param);
        }
        writer.dispose();
        assertThat(Images.read(progressive).getHeight()).isEqualTo(2000);
    }

    private static byte[] gif(BufferedImage image) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ImageIO.write(image, "gif", out);
        return out.toByteArray();
    }

    @Test
    void gifsKeepTheirCanvas() throws IOException {
        BufferedImage image = new BufferedImage(3, 2, BufferedImage.TYPE_BYTE_BINARY);
        byte[] gif = gif(image);
        int frame = 0;
        while (gif[frame] != ',' || gif[frame + 5] != 3 || gif[frame + 7] != 2) {
            frame++;
        }
        ByteBuffer.wrap(gif).order(ByteOrder.LITTLE_ENDIAN)
                .putShort(6, (short) 6).putShort(8, (short) 4) // canvas
                .putShort(frame + 1, (short) 2).putShort(frame + 3, (short) 1);
        Path file = Files.write(dir.resolve("canvas.gif"), gif);
        BufferedImage read = Images.read(file);
        assertThat(read.getWidth()).isEqualTo(6);
        assertThat(read.getHeight()).isEqualTo(4);
        for (int y = 0; y < 4; y++) {
            for (int x = 0; x < 6; x++) {
                boolean inside = x >= 2 && x < 5 && y >= 1 && y < 3;
                assertThat(read.getRGB(x, y) & 0xffffff).isEqualTo(inside ? 0 : 0xffffff);
            }
        }
        Files.write(file, Arrays.copyOf(gif, gif.length - 1));
        assertThatIOException().isThrownBy(() -> PictureHeader.read(file)).withMessageContaining("ends early");
    }

    /** A BMP of 32 bits with a mask for the alpha, as Windows writes it: 0x102030 everywhere. */
    private static byte[] bmp(int width, int height, int alpha) {
        ByteBuffer b = ByteBuffer.allocate(122 + 4 * width * height).order(ByteOrder.LITTLE_ENDIAN);
        b.put((byte) 'B').put((byte) 'M').putInt(b.capacity()).putInt(0).putInt(122);
        b.putInt(108).putInt(width).putInt(height).putShort((short) 1).putShort((short) 32).putInt(3);
        b.putInt(4 * width * height).putInt(2835).putInt(2835).putInt(0).putInt(0);
        b.putInt(0xff0000).putInt(0xff00).putInt(0xff).putInt(0xff000000).putInt(0x73524742);
        b.position(122);
        for (int i = 0; i < width * height; i++) {
            b.putInt(alpha << 24 | 0x102030);
        }
        return b.array();
    }

    @Test
    void aBmpThatIsInvisibleEverywhereIsOpaque() throws IOException {
        Path file = Files.write(dir.resolve("a.bmp"), bmp(3, 2, 0));
        assertThat(pixels(Images.read(file))).containsOnly(0xff102030);
        Files.write(file, bmp(3, 2, 0xff));
        assertThat(pixels(Images.read(file))).containsOnly(0xff102030);
        byte[] one = bmp(3, 2, 0);
        one[125] = (byte) 0xff;
        Files.write(file, one);
        assertThat(pixels(Images.read(file))).contains(0xffffffff, 0xff102030);
        Files.write(file, Arrays.copyOf(one, one.length - 1));
        assertThatIOException().isThrownBy(() -> PictureHeader.read(file)).withMessageContaining("ends early");
    }

    private static byte[] webp(int width, int height) {
        ByteBuffer b = ByteBuffer.allocate(30).order(ByteOrder.LITTLE_ENDIAN);
        b.put("RIFF".getBytes()).putInt(22).put("WEBPVP8L".getBytes()).putInt(10).put((byte) 0x2f);
        return b.putInt(width - 1 | height - 1 << 14).array();
    }

    @Test
    void webpIsKnownByItsHeaderAndItsMissingReaderIsNamed() throws IOException {
        Path file = Files.write(dir.resolve("a.webp"), webp(31, 17));
        PictureHeader header = PictureHeader.read(file);
        assertThat(header.format()).isEqualTo(Format.WEBP);
        assertThat(List.of(header.width(), header.height())).containsExactly(31, 17);
        if (!Images.canRead(Format.WEBP)) { // as in a build of this module alone
            assertThatIOException().isThrownBy(() -> Images.read(file))
                    .withMessageContaining("a.webp: no reader for WEBP files is there")
                    .withMessageContaining("imageio-webp");
        }
    }

    @Test
    void partsOfResizedPicturesAreTheSameBits() {
        BufferedImage image = Images.ofRgb(new Random(3).ints(37 * 23, 0, 1 << 24).toArray(), 37, 23);
        for (int[] size : new int[][] {{50, 31}, {19, 12}, {37, 23}}) {
            BufferedImage whole = Images.resize(image, size[0], size[1]);
            Rectangle part = new Rectangle(5, 3, 11, 7);
            BufferedImage expected = size[0] == 37 ? image : whole;
            assertThat(pixels(Images.resizedPart(image, size[0], size[1], part)))
                    .isEqualTo(pixels(Images.crop(expected, 5, 3, 11, 7)));
        }
    }

    @Test
    void aPartOfAThinPictureCostsNoMoreThanThePart() {
        BufferedImage thin = Images.ofRgb(new int[5000], 1, 5000);
        int height = Images.resizedSide(5000, 1, 288);
        assertThat(height).isEqualTo(1_440_000);
        Rectangle part = new Rectangle(16, 700_000, 256, 256);
        assertThat(Images.resizedPart(thin, 288, height, part).getHeight()).isEqualTo(256);
    }
}
