package org.aimjvm.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.Npy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class CodeFolderTest {
    private static final int PICTURES = 5;
    private static final int LENGTH = 4;
    private static final int[] LABELS = {2, 0, 1, 0, 2};

    @TempDir Path root;

    private static int[] row(int picture, int crop) {
        return new int[] {picture, crop, 7, picture + crop};
    }

    /** A set of our own with two views of each picture. */
    private TokenDataset own() {
        TokenDatasetInfo info = new TokenDatasetInfo(2, 2, 16, List.of("a", "b", "c"), "pictures", "tokenizer");
        Path folder = root.resolve("own");
        try (TokenDatasetWriter writer = new TokenDatasetWriter(folder, info, 2 * PICTURES, 3 * LENGTH)) {
            for (int i = 0; i < 2 * PICTURES; i++) {
                writer.add(row(i % PICTURES, i / PICTURES), 0, LABELS[i % PICTURES]);
            }
            writer.finish();
        }
        return TokenDataset.open(folder);
    }

    private Path written(CodeFolderWriter.Layout layout) {
        Path folder = root.resolve("codes");
        try (TokenDataset own = own()) {
            CodeFolderWriter.write(own, 2, 32, layout, folder, _ -> {});
        }
        return folder;
    }

    @ParameterizedTest
    @EnumSource
    void whatIsWrittenIsRead(CodeFolderWriter.Layout layout) {
        Path folder = written(layout);
        assertThat(CodeFolder.isOne(folder)).isTrue();
        CodeFolder codes = CodeFolder.open(folder, 16);
        assertThat(codes.size()).isEqualTo(PICTURES);
        assertThat(codes.crops()).isEqualTo(2);
        assertThat(codes.info()).isEqualTo(new TokenDatasetInfo(2, 2, 16, List.of("0", "1", "2"), "", ""));
        int[] order =
                layout == CodeFolderWriter.Layout.LLAMAGEN ? new int[] {0, 1, 2, 3, 4} : new int[] {1, 3, 2, 0, 4};
        for (int i = 0; i < PICTURES; i++) {
            assertThat(codes.label(i)).isEqualTo(LABELS[order[i]]);
            for (int crop = 0; crop < 2; crop++) {
                int[] out = new int[LENGTH + 1];
                codes.read(i, crop, out, 1);
                assertThat(out).startsWith(0).endsWith(row(order[i], crop));
            }
        }
        assertThat(CodeFolder.open(folder, 16).fingerprint()).isEqualTo(codes.fingerprint())
                .isNotEqualTo(CodeFolder.open(folder, 17).fingerprint());
        assertThatThrownBy(() -> codes.read(0, 2, new int[LENGTH], 0)).hasMessage("crop: 2 (expected 0 to 1)");
        assertThatThrownBy(() -> codes.label(PICTURES)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void namesAndShapesAreThoseOfOthersTrainers() throws IOException {
        Path folder = written(CodeFolderWriter.Layout.LLAMAGEN);
        Npy codes = Npy.read(folder.resolve("imagenet32_codes/4.npy"));
        assertThat(codes.shape()).isEqualTo(Shape.of(1, 2, LENGTH));
        Npy label = Npy.read(folder.resolve("imagenet32_labels/4.npy"));
        assertThat(label.shape()).isEqualTo(Shape.of(1));
        assertThat(label.longs()).containsExactly(2);
        assertThat(CodeFolder.open(folder.resolve("imagenet32_codes"), 16).size()).isEqualTo(PICTURES);
        Path classes = written(CodeFolderWriter.Layout.CLASSES);
        assertThat(Npy.read(classes.resolve("0/00000003.npy")).shape()).isEqualTo(Shape.of(2, LENGTH));
        try (Stream<Path> all = Files.list(classes)) {
            assertThat(all.map(p -> p.getFileName().toString())).containsExactlyInAnyOrder("0", "1", "2");
        }
    }

    @Test
    void typesAndRanksMayDiffer() throws IOException {
        Path a = Files.createDirectories(root.resolve("set/cat"));
        Path b = Files.createDirectories(root.resolve("set/dog"));
        Npy.write(a.resolve("x.npy"), Shape.of(LENGTH), new int[] {1, 2, 3, 4});
        Npy.write(a.resolve("y.npy"), Shape.of(1, LENGTH), new byte[] {5, 6, 7, 8});
        Npy.write(b.resolve("z.npy"), Shape.of(1, 1, LENGTH), new long[] {9, 10, 11, 12});
        CodeFolder codes = CodeFolder.open(root.resolve("set"), 16);
        assertThat(codes.info().classNames()).containsExactly("cat", "dog");
        int[] out = new int[3 * LENGTH];
        IntStream.range(0, 3).forEach(i -> codes.read(i, 0, out, i * LENGTH));
        assertThat(out).containsExactly(IntStream.rangeClosed(1, 12).toArray());
        assertThat(codes.label(2)).isEqualTo(1);
    }

    /** The bytes that NumPy writes for an array of shape (1, 4). */
    private static byte[] npy(String type, int bytes, long... values) {
        String dict = String.format(Locale.ROOT, "%-117s\n",
                "{'descr': '" + type + "', 'fortran_order': False, 'shape': (1, 4), }");
        ByteBuffer file = ByteBuffer.allocate(10 + dict.length() + values.length * bytes)
                .order(ByteOrder.LITTLE_ENDIAN).put((byte) 0x93)
                .put("NUMPY\1\0".getBytes(StandardCharsets.ISO_8859_1)).putShort((short) dict.length())
                .put(dict.getBytes(StandardCharsets.ISO_8859_1));
        for (long v : values) {
            for (int b = 0; b < bytes; b++) {
                file.put((byte) (v >> 8 * b));
            }
        }
        return file.array();
    }

    @ParameterizedTest
    @CsvSource({"|i1, 1, 127", "|u1, 1, 255", "<i2, 2, 32767", "<u2, 2, 65535", "<i4, 4, 65535", "<i8, 8, 65535"})
    void everyIntegerTypeIsReadToItsLargestCode(String type, int bytes, int most) throws IOException {
        Path file = Files.createDirectories(root.resolve("set/cat")).resolve("x.npy");
        Files.write(file, npy(type, bytes, 0, 1, most, most - 1));
        int[] out = new int[LENGTH];
        CodeFolder.open(root.resolve("set"), most + 1).read(0, 0, out, 0);
        assertThat(out).containsExactly(0, 1, most, most - 1);
        assertThatThrownBy(() -> CodeFolder.open(root.resolve("set"), most))
                .hasMessageContaining("code " + most + ", expected 0 to " + (most - 1));
    }

    @ParameterizedTest
    @CsvSource({">u2, 2", "<u8, 8", "<f4, 4", "|b1, 1"})
    void otherTypesAreRefused(String type, int bytes) throws IOException {
        Path file = Files.createDirectories(root.resolve("set/cat")).resolve("x.npy");
        Files.write(file, npy(type, bytes, 0, 1, 1, 0));
        assertThatThrownBy(() -> CodeFolder.open(root.resolve("set"), 4)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("x.npy").hasMessageContaining("expected");
    }

    @Test
    void aThousandLabelsAreImageNets() throws IOException {
        Files.createDirectories(root.resolve("set/207"));
        Files.createDirectories(root.resolve("set/999"));
        for (String name : List.of("207", "999")) {
            Npy.write(root.resolve("set").resolve(name).resolve("0.npy"), Shape.of(1, LENGTH), new int[LENGTH]);
        }
        CodeFolder codes = CodeFolder.open(root.resolve("set"), 16);
        assertThat(codes.info().classNames().get(codes.label(0))).isEqualTo("golden retriever");
    }

    private void fails(String message) {
        assertThatThrownBy(() -> CodeFolder.open(root.resolve("codes"), 16)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining(message);
    }

    @Test
    void incompleteAndDamagedFoldersAreNamed() throws IOException {
        Files.createDirectories(root.resolve("codes"));
        fails("neither folders NAME_codes and NAME_labels nor a folder per class");
        assertThat(CodeFolder.isOne(root.resolve("codes"))).isFalse();
        assertThat(CodeFolder.isOne(root.resolve("nowhere"))).isFalse();
        Path codes = written(CodeFolderWriter.Layout.LLAMAGEN).resolve("imagenet32_codes");
        Npy.write(codes.resolve("1.npy"), Shape.of(1, 2, LENGTH), new int[] {0, 0, 0, 16, 0, 0, 0, 0});
        fails("1.npy: code 16, expected 0 to 15");
        Npy.write(codes.resolve("1.npy"), Shape.of(1, 2, 1), new int[2]);
        fails("1.npy: shape (1, 2, 1), expected 2 crops of 4 codes as in");
        Npy.write(codes.resolve("1.npy"), Shape.of(1, 2, LENGTH), new float[2 * LENGTH]);
        fails("1.npy: elements F32, expected integers");
        byte[] lying = Files.readAllBytes(codes.resolve("2.npy"));
        String header = new String(lying, StandardCharsets.ISO_8859_1).replace("(1, 2, 4), ", "(99999999,)");
        Files.write(codes.resolve("1.npy"), header.getBytes(StandardCharsets.ISO_8859_1));
        fails("1.npy");
        Files.delete(codes.resolve("1.npy"));
        fails("1.npy: no such file, but there are 4.npy and others");
    }

    @Test
    void labelsMustBeThereAndSingle() throws IOException {
        Path codes = written(CodeFolderWriter.Layout.LLAMAGEN);
        Path labels = codes.resolve("imagenet32_labels");
        Npy.write(labels.resolve("3.npy"), Shape.of(2), new int[2]);
        fails("3.npy: 2 labels, expected one of 0");
        Npy.write(labels.resolve("3.npy"), Shape.of(1), new int[] {-1});
        fails("3.npy: label -1, expected one of 0");
        Files.delete(labels.resolve("3.npy"));
        fails("3.npy: no such file, but there are 4.npy and others");
        Files.delete(labels.resolve("4.npy"));
        fails("imagenet32_labels: 3 labels, expected 5");
        Files.move(labels, codes.resolve("elsewhere"));
        fails("imagenet32_labels: no such folder, expected the labels of");
        Files.createDirectories(codes.resolve("b_codes"));
        fails("2 sets of codes, expected one");
    }

    @Test
    void classFoldersMustHoldSomethingAndLabelsBeUnique() throws IOException {
        Path classes = written(CodeFolderWriter.Layout.CLASSES);
        Files.createDirectories(classes.resolve("02"));
        fails("no files *.npy in it");
        Files.copy(classes.resolve("2/00000000.npy"), classes.resolve("02/0.npy"));
        fails("label 2, which");
    }
}
