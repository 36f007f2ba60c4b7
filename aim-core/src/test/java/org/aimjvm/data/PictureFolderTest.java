package org.aimjvm.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import javax.imageio.ImageIO;
import org.aimjvm.io.CheckpointException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Folders as users have them: links, empty classes, what systems leave behind, files that are not what they seem. */
class PictureFolderTest {
    private static final PictureOptions OPTIONS = PictureOptions.of(8);

    @TempDir Path root;
    @TempDir Path elsewhere;

    @BeforeEach
    void threeClasses() throws IOException {
        for (String name : List.of("cat", "dog", "fish")) {
            for (int i = 0; i < 6; i++) {
                write(root.resolve(name + "/" + i + ".png"), 100 * name.length() + i, 10, 10);
            }
        }
    }

    private static Path write(Path file, int seed, int w, int h) throws IOException {
        BufferedImage image = new BufferedImage(w, h, BufferedImage.TYPE_INT_RGB);
        image.setRGB(0, 0, w, h, new Random(seed).ints((long) w * h).toArray(), 0, w);
        Files.createDirectories(file.getParent());
        String name = file.getFileName().toString();
        assertThat(ImageIO.write(image, name.substring(name.indexOf('.') + 1), file.toFile())).isTrue();
        return file;
    }

    private ImageFolder open() {
        return (ImageFolder) PictureFolder.open(root, OPTIONS);
    }

    private static float[] pixels(PictureSource set, int index) {
        float[] x = new float[set.pictureSize()];
        set.read(index, x);
        return x;
    }

    @Test
    void saysWhatItHolds() throws IOException {
        assertThat(open().summary(null)).isEqualTo("18 pictures of 3 classes: cat 6, dog 6, fish 6");
        Files.writeString(root.resolve("dog/a.jpg"), "no");
        Files.write(root.resolve("fish/b.gif"), new byte[0]);
        assertThat(open().summary(null))
                .isEqualTo("18 pictures of 3 classes: cat 6, dog 6, fish 6; 2 left out: dog/a.jpg:"
                        + " not a picture, expected PNG, JPEG, GIF, BMP or WebP; fish/b.gif: an empty file, expected a picture");
        for (int i = 0; i < 12; i++) {
            Files.writeString(root.resolve("cat/x" + i + ".jpg"), "no");
            write(root.resolve("class" + (10 + i) + "/a.png"), i, 8, 8);
        }
        assertThat(open().summary(Path.of("run/list"))).startsWith("30 pictures of 15 classes: cat 6, class10 1, ")
                .contains("class18 1, and 5 more; 14 left out: cat/x0.jpg").endsWith("; and 4 more (all in run/list)");
    }

    @Test
    void linksAreFollowedAndLoopsEnd() throws IOException {
        Files.move(root.resolve("dog"), elsewhere.resolve("hund"));
        Files.createSymbolicLink(root.resolve("dog"), elsewhere.resolve("hund"));
        Path linked = write(elsewhere.resolve("more/x.png"), 1, 9, 9);
        Files.createSymbolicLink(root.resolve("cat/linked.png"), linked);
        Files.createSymbolicLink(root.resolve("cat/more"), linked.getParent());
        Files.createSymbolicLink(root.resolve("cat/nothing.png"), elsewhere.resolve("nothing"));
        Files.createSymbolicLink(root.resolve("cat/round"), root.resolve("cat"));
        Files.createSymbolicLink(root.resolve("cat/up"), root);
        Files.createSymbolicLink(root.resolve("loop"), root);
        ImageFolder set = open();
        assertThat(set.summary(null)).startsWith("20 pictures of 3 classes: cat 8, dog 6, fish 6; 4 left out: ");
        assertThat(set.leftOut()).extracting(LeftOut::toString).containsExactlyInAnyOrder(
                "loop: a link back to a folder above it", "cat/up: a link back to a folder above it",
                "cat/round: a link back to a folder above it", "cat/nothing.png: a link to nothing");
    }

    @Test
    void aClassWithoutAReadablePictureIsRefusedOrSkipped() throws IOException {
        Files.createDirectories(root.resolve("cow"));
        assertThatThrownBy(this::open).isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith(
                        root.resolve("cow") + ": no PNG, JPEG, BMP, GIF or WebP files in it; expected a");
        Files.writeString(root.resolve("cow/a.png"), "no");
        assertThatThrownBy(this::open)
                .hasMessageStartingWith(
                        root.resolve("cow") + ": 1 files, none of them readable, the first cow/a.png: ");
        PictureSource set = PictureFolder.open(root, OPTIONS.withSkipEmptyClasses(true));
        assertThat(set.classNames()).containsExactly("cat", "dog", "fish");
        assertThat(((ImageFolder) set).summary(null)).endsWith("cow/: no readable picture in it");
        assertThatThrownBy(() -> PictureFolder.open(root.resolve("cat"), OPTIONS))
                .hasMessageContaining("expected a folder per class");
    }

    @ParameterizedTest
    @ValueSource(strings = {"__MACOSX", ".hidden", ".ipynb_checkpoints", "lost+found", "@eaDir", "$RECYCLE.BIN"})
    void whatSystemsLeaveBehindIsNoClassAndHoldsNoPictures(String name) throws IOException {
        String print = open().fingerprint();
        Files.createDirectories(root.resolve(name));
        write(root.resolve("cat/" + name + "/a.png"), 1, 8, 8);
        Files.writeString(root.resolve("cat/._0.png"), "resource fork");
        assertThat(open().summary(null)).isEqualTo("18 pictures of 3 classes: cat 6, dog 6, fish 6");
        assertThat(open().fingerprint()).isEqualTo(print);
    }

    @Test
    void aParentOfPartsIsRecognised() throws IOException {
        for (String part : List.of("train", "val")) {
            write(elsewhere.resolve(part + "/cat/a.png"), 1, 8, 8);
        }
        assertThatThrownBy(() -> PictureFolder.open(elsewhere, OPTIONS))
                .hasMessage(
                        elsewhere + ": holds parts of a data set (train, val), expected a folder per class (train on "
                                + elsewhere.resolve("train") + ", validate on " + elsewhere.resolve("val") + ")");
        assertThat(PictureFolder.open(elsewhere.resolve("train"), OPTIONS).classNames()).containsExactly("cat");
        write(root.resolve("train/a.png"), 1, 8, 8); // a class of trains
        assertThat(open().classNames()).contains("train");
    }

    @Test
    void thinPicturesCostNoMoreThanOthers() throws IOException {
        write(root.resolve("fish/rule.png"), 1, 1, 5000);
        PictureSource set = PictureFolder.open(root, PictureOptions.of(256).withRandomCrop(true));
        int rule = set.size() - 1;
        float[] x = new float[set.pictureSize()];
        set.read(rule, 7, x, 0);
        assertThat(x).doesNotContain(Float.NaN);
    }

    @Test
    void filesThatNobodyMayReadAreNamed() throws IOException {
        Path secret = root.resolve("cat/0.png");
        Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("---------"));
        if (!Files.isReadable(secret)) { // the superuser may read everything
            assertThat(open().leftOut()).containsExactly(new LeftOut("cat/0.png", "permission denied"));
        }
    }

    @Test
    void whatFailsLaterIsReplacedByTheNextOfItsClassAndNamed() throws IOException {
        for (int i : new int[] {1, 2, 5}) {
            damageInside(root.resolve("dog/" + i + ".png"));
        }
        ImageFolder set = open();
        assertThat(set.size()).isEqualTo(18);
        assertThat(set.replaced()).isEmpty();
        for (int i = 0; i < 2; i++) {
            assertThat(pixels(set, 6 + 1)).isEqualTo(pixels(set, 6 + 3));
            assertThat(pixels(set, 6 + 2)).isEqualTo(pixels(set, 6 + 3));
            assertThat(pixels(set, 6 + 5)).isEqualTo(pixels(set, 6));
        }
        assertThat(set.replaced()).extracting(LeftOut::path).containsExactly("dog/1.png", "dog/2.png", "dog/5.png");
        assertThat(set.replaced().getFirst().reason()).isNotBlank().doesNotContain(root.toString());

        ImageFolder checked = (ImageFolder) PictureFolder.open(root, OPTIONS.withDecodeAll(true));
        assertThat(checked.size()).isEqualTo(15);
        assertThat(checked.leftOut()).extracting(LeftOut::path).containsExactly("dog/1.png", "dog/2.png", "dog/5.png");

        for (int i : new int[] {0, 3, 4}) {
            damageInside(root.resolve("dog/" + i + ".png"));
        }
        ImageFolder none = open();
        assertThatThrownBy(() -> pixels(none, 7)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("no other picture of its class can be decoded");
    }

    /** Header and end stay whole, the pixels do not. */
    private static void damageInside(Path png) throws IOException {
        byte[] bytes = Files.readAllBytes(png);
        Arrays.fill(bytes, 41, bytes.length - 16, (byte) 0x55);
        Files.write(png, bytes);
    }

    @Test
    void theFingerprintTakesContents() throws IOException {
        Path bmp = write(root.resolve("cat/z.bmp"), 1, 200, 200);
        long size = Files.size(bmp);
        String print = open().fingerprint();
        write(bmp, 2, 200, 200);
        assertThat(Files.size(bmp)).isEqualTo(size);
        assertThat(open().fingerprint()).isNotEqualTo(print);
        write(bmp, 1, 200, 200);
        assertThat(open().fingerprint()).isEqualTo(print);
        byte[] bytes = Files.readAllBytes(bmp);
        bytes[bytes.length / 2] ^= 1; // far from both ends
        Files.write(bmp, bytes);
        assertThat(open().fingerprint()).isNotEqualTo(print);
    }

    @Test
    void aRunThatGoesOnSeesThePicturesOfItsList() throws IOException {
        Files.writeString(root.resolve("dog/bad\tname.jpg"), "no");
        write(root.resolve("dog/more/dé\\p.png"), 5, 8, 8);
        ImageFolder first = open();
        Path list = elsewhere.resolve("run/pictures.tsv");
        first.writeList(list);
        assertThat(Files.readAllLines(list)).startsWith("aim-pictures-1", "class\t0\tcat", "0\tcat/0.png")
                .contains("1\tdog/more/dé\\\\p.png")
                .endsWith("-\tdog/bad\\tname.jpg\tnot a picture, expected PNG, JPEG, GIF, BMP or WebP");

        write(root.resolve("ant/new.png"), 9, 8, 8);
        write(root.resolve("cat/new.png"), 9, 8, 8);
        assertThat(open().fingerprint()).isNotEqualTo(first.fingerprint());
        List<Integer> seen = new ArrayList<>();
        ImageFolder again = ImageFolder.reopen(root, OPTIONS, list, seen::add);
        assertThat(again.fingerprint()).isEqualTo(first.fingerprint());
        assertThat(again.classNames()).isEqualTo(first.classNames());
        assertThat(again.leftOut()).isEqualTo(first.leftOut());
        assertThat(seen).containsExactly(6, 13, 19);
        for (int i = 0; i < first.size(); i++) {
            assertThat(again.file(i)).isEqualTo(first.file(i));
            assertThat(again.label(i)).isEqualTo(first.label(i));
        }

        Files.write(root.resolve("fish/3.png"), new byte[3]);
        assertThatThrownBy(() -> ImageFolder.reopen(root, OPTIONS, list, _ -> {}))
                .hasMessageStartingWith(root.resolve("fish/3.png") + ": ").hasMessageContaining("when the run began");
        Files.writeString(list, "aim-pictures-1\nclass\t1\tcat\n");
        assertThatThrownBy(() -> ImageFolder.reopen(root, OPTIONS, list, _ -> {}))
                .hasMessageContaining("damaged list of pictures, line 2");
    }

    @Test
    void aListNamesNothingOutsideTheFolder() throws IOException {
        write(elsewhere.resolve("cat/secret.png"), 1, 8, 8);
        Path list = elsewhere.resolve("pictures.tsv");
        String up = "../" + elsewhere.getFileName() + "/cat";
        for (String lines : List.of(
                "class\t0\t..\n0\t../secret.png", "class\t0\t" + up + "\n0\t" + up + "/secret.png",
                "class\t0\t" + elsewhere + "/cat\n0\t" + elsewhere + "/cat/secret.png", "class\t0\t\n0\t/secret.png",
                "class\t0\tcat\n0\tcat/../" + up + "/secret.png",
                "class\t0\tcat\n0\tcat/" + elsewhere + "/cat/secret.png",
                "class\t0\t.\n0\t./cat/0.png", "class\t0\tcat\n0\tcat/", "class\t0\tcat\n0\tdog/0.png",
                "class\t0\tcat\n0\u001b[2J")) {
            Files.writeString(list, "aim-pictures-1\n" + lines + "\n");
            assertThatThrownBy(() -> ImageFolder.reopen(root, OPTIONS, list, _ -> {})).as(lines)
                    .hasMessageContaining("damaged list of pictures, line ")
                    .hasMessageEndingWith(", expected a class, a picture of it or a file left out")
                    .message().doesNotContain("\u001b");
        }
    }

    @Test
    void anInterruptLeavesNoPictureOut() {
        ImageFolder set = open();
        float[] before = pixels(set, 7);
        Thread.currentThread().interrupt();
        try {
            assertThatThrownBy(this::open).isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("the thread was interrupted, expected");
            assertThat(pixels(set, 7)).isEqualTo(before);
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
        assertThat(set.replaced()).isEmpty();
        assertThat(open().fingerprint()).isEqualTo(set.fingerprint());
    }

    @Test
    void optionsThatDoNotFitAreRefused() {
        assertThatThrownBy(() -> PictureFolder.open(root.resolve("none"), OPTIONS))
                .hasMessageContaining("no such folder");
        assertThatThrownBy(() -> PictureFolder.open(root, OPTIONS.withClassNames(List.of("a"))))
                .hasMessageStartingWith("classNames: given for picture files");
        assertThatThrownBy(() -> OPTIONS.withResizeShort(7)).hasMessageStartingWith("resizeShort: 7");
        assertThatThrownBy(() -> OPTIONS.withChannels(2)).hasMessageStartingWith("channels: 2");
    }
}
