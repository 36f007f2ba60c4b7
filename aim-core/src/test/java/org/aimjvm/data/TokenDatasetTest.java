package org.aimjvm.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.SafeTensorsWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenDatasetTest {
    @TempDir Path folder;

    private static TokenDatasetInfo info(int vocab) {
        return new TokenDatasetInfo(2, 2, vocab, List.of("a", "ü \"b\""), "s", "t");
    }

    private Path write(String name, int vocab, int count) {
        Path set = folder.resolve(name);
        try (TokenDatasetWriter writer = new TokenDatasetWriter(set, info(vocab), count, 12)) {
            for (int i = 0; i < count; i++) {
                writer.add(new int[] {-1, i, vocab - 1 - i, 0, 1}, 1, i % 2);
            }
            writer.finish();
        }
        return set;
    }

    @ParameterizedTest
    @ValueSource(ints = {20, 32768, 32769, 70000})
    void readsWhatWasWrittenAcrossFiles(int vocab) {
        try (TokenDataset set = TokenDataset.open(write("set", vocab, 7))) {
            assertThat(set.info()).isEqualTo(info(vocab));
            assertThat(set.size()).isEqualTo(7);
            int[] codes = new int[6];
            for (int i = 0; i < 7; i++) {
                set.read(i, codes, 2);
                assertThat(codes).containsExactly(0, 0, i, vocab - 1 - i, 0, 1);
                assertThat(set.label(i)).isEqualTo(i % 2);
            }
            assertThatThrownBy(() -> set.label(7)).isInstanceOf(IndexOutOfBoundsException.class);
        }
        assertThat(folder.resolve("set/codes-00003-of-00003.safetensors")).exists();
    }

    @Test
    void fingerprintFollowsTheCodes() {
        try (TokenDataset a = TokenDataset.open(write("a", 20, 7));
                TokenDataset b = TokenDataset.open(write("b", 20, 7));
                TokenDataset c = TokenDataset.open(write("c", 21, 7))) {
            assertThat(a.fingerprint()).isEqualTo(b.fingerprint()).isNotEqualTo(c.fingerprint());
        }
    }

    @Test
    void anUnfinishedSetLeavesNothing() throws IOException {
        try (TokenDatasetWriter writer = new TokenDatasetWriter(folder.resolve("set"), info(20), 5, 12)) {
            writer.add(new int[4], 0, 0);
            assertThatThrownBy(writer::finish).hasMessage("codes: 1 pictures (expected 5)");
            assertThatThrownBy(() -> writer.add(new int[] {0, 20, 0, 0}, 0, 0))
                    .hasMessage("code: 20 (expected 0 to 19)");
            assertThatThrownBy(() -> writer.add(new int[4], 0, 2)).hasMessage("label: 2 (expected 0 to 1)");
        }
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).isEmpty();
        }
    }

    private Path part(String name, int count, Shard shard) {
        Path set = folder.resolve(name);
        try (TokenDatasetWriter writer = new TokenDatasetWriter(set, info(20), count, 12, shard)) {
            for (int i = shard.from(count); i < shard.to(count); i++) {
                writer.add(new int[] {-1, i, 19 - i, 0, 1}, 1, i % 2);
            }
            writer.finish();
        }
        return set;
    }

    private List<Path> parts(int count, int of) {
        return IntStream.range(0, of).mapToObj(rank -> part("part" + rank + "of" + of, count, new Shard(rank, of)))
                .toList();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7})
    void mergedSharesAreTheSetOfOneWorkerByteForByte(int of) throws IOException {
        for (int count : new int[] {3, 7}) { // with 3 pictures some of 7 shares are empty
            Path whole = write("whole" + count, 20, count);
            Path merged = folder.resolve("merged" + count);
            if (of == 1) {
                merged = part("merged" + count, count, Shard.ALL);
            } else {
                TokenDatasetWriter.merge(parts(count, of).reversed(), merged);
            }
            try (Stream<Path> files = Files.list(whole); Stream<Path> again = Files.list(merged)) {
                List<Path> expected = files.sorted().toList();
                assertThat(again.sorted().map(Path::getFileName))
                        .containsExactlyElementsOf(expected.stream().map(Path::getFileName).toList());
                for (Path file : expected) {
                    assertThat(merged.resolve(file.getFileName())).hasSameBinaryContentAs(file);
                }
            }
        }
    }

    private static TokenDatasetInfo cropped(int crops) {
        return new TokenDatasetInfo(2, 2, 20, List.of("a", "b"), "s", "t", crops);
    }

    /** Row v * pictures + i holds (v, i, 0, 0); three rows per file. */
    private Path crops(String name, int pictures, int crops, TokenDatasetInfo info, Shard shard) {
        int rows = pictures * crops;
        try (TokenDatasetWriter writer = new TokenDatasetWriter(folder.resolve(name), info, rows, 12, shard)) {
            for (int row = shard.from(rows); row < shard.to(rows); row++) {
                writer.add(new int[] {row / pictures, row % pictures, 0, 0}, 0, row % pictures % 2);
            }
            writer.finish();
        }
        return folder.resolve(name);
    }

    @Test
    void cropsOfAPictureAreReadByNumber() {
        try (TokenDataset set = TokenDataset.open(crops("set", 5, 4, cropped(4), Shard.ALL));
                TokenDataset rows = TokenDataset.open(crops("rows", 5, 4, cropped(1), Shard.ALL))) {
            assertThat(set.size()).isEqualTo(5);
            assertThat(set.crops()).isEqualTo(4);
            int[] codes = new int[4];
            for (int i = 0; i < 5; i++) {
                for (int crop = 0; crop < 4; crop++) {
                    set.read(i, crop, codes, 0);
                    assertThat(codes).containsExactly(crop, i, 0, 0);
                }
                set.read(i, codes, 0);
                assertThat(codes).containsExactly(0, i, 0, 0);
                assertThat(set.label(i)).isEqualTo(i % 2);
            }
            assertThatThrownBy(() -> set.read(0, 4, codes, 0)).hasMessage("crop: 4 (expected 0 to 3)");
            assertThatThrownBy(() -> set.read(0, -1, codes, 0)).hasMessage("crop: -1 (expected 0 to 3)");
            assertThatThrownBy(() -> set.read(5, 0, codes, 0)).hasMessage("picture: 5 (expected 0 to 4)");
            assertThatThrownBy(() -> set.label(5)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThat(rows.size()).isEqualTo(20);
            assertThat(rows.fingerprint()).isNotEqualTo(set.fingerprint());
        }
    }

    @Test
    void setsWithOneCropSayNothingOfIt() {
        assertThat(cropped(1).toMetadata()).doesNotContainKey("crops").hasSize(6);
        assertThat(cropped(10).toMetadata()).containsEntry("crops", "10");
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 7})
    void sharesWithCropsJoinByteForByteWhereverTheyAreCut(int of) throws IOException {
        Path whole = crops("whole", 5, 4, cropped(4), Shard.ALL);
        List<Path> shares = IntStream.range(0, of)
                .mapToObj(rank -> crops("crops" + rank, 5, 4, cropped(4), new Shard(rank, of))).toList();
        Path merged = folder.resolve("merged");
        TokenDatasetWriter.merge(shares, merged);
        try (Stream<Path> files = Files.list(whole); Stream<Path> again = Files.list(merged)) {
            List<Path> expected = files.sorted().toList();
            assertThat(again).hasSameSizeAs(expected);
            for (Path file : expected) {
                assertThat(merged.resolve(file.getFileName())).hasSameBinaryContentAs(file);
            }
        }
    }

    @Test
    void cropsThatDoNotFitAreRefused() {
        assertThatThrownBy(() -> new TokenDatasetWriter(folder.resolve("odd"), cropped(4), 7, 12))
                .hasMessage("count: 7 (expected a multiple of the 4 crops of a picture)");
        assertThatThrownBy(() -> cropped(0)).hasMessage("crops: 0 (expected at least 1)");
        assertRefused(file(cropped(2), DType.I16, Shape.of(1, 4), 0),
                "1 rows, expected a multiple of the 2 crops of a picture");
        try (TokenDatasetWriter writer = new TokenDatasetWriter(folder.resolve("labels"), cropped(2), 4, 16)) {
            for (int label : new int[] {0, 1, 0, 0}) {
                writer.add(new int[4], 0, label);
            }
            writer.finish();
        }
        assertRefused(folder.resolve("labels"), "label 0 in row 3, expected 1 as of its picture's first crop");
    }

    @Test
    void onlyAllSharesOfOneSetAreJoined() {
        List<Path> three = parts(7, 3);
        Path target = folder.resolve("merged");
        assertThatThrownBy(() -> TokenDatasetWriter.merge(three.subList(0, 2), target))
                .hasMessageContaining("2 shares, expected 3");
        assertThatThrownBy(() -> TokenDatasetWriter.merge(three.subList(1, 3), target))
                .hasMessageContaining("is every share there once");
        assertThatThrownBy(() -> TokenDatasetWriter.merge(
                List.of(three.get(0), three.get(1), three.get(2), three.get(2)), target))
                .hasMessageContaining("is every share there once");
        assertThatThrownBy(() -> TokenDatasetWriter.merge(
                List.of(three.get(0), part("other", 8, new Shard(1, 3)), three.get(2)), target))
                .hasMessageContaining("share 2/3 of 8 pictures, 3 per file, expected share 2/3 of 7 pictures");
        assertThatThrownBy(() -> TokenDatasetWriter.merge(List.of(write("whole", 20, 7)), target))
                .hasMessageContaining("metadata part: missing");
        assertThatThrownBy(() -> TokenDatasetWriter.merge(List.of(), target)).hasMessageStartingWith("parts: none");
        assertRefused(three.getFirst(), "share 1/3 of a set, expected a whole set");
        assertThat(target).doesNotExist();
    }

    @Test
    void missingFilesAndForeignOnesAreRefused() throws IOException {
        Path set = write("set", 20, 7);
        Files.delete(set.resolve("codes-00002-of-00003.safetensors"));
        assertRefused(set, "shard 1/3, expected 1/2");
        Path mixed = write("mixed", 20, 7);
        Files.copy(
                write("other", 30, 7).resolve("codes-00003-of-00003.safetensors"),
                mixed.resolve("codes-00003-of-00003.safetensors"),
                StandardCopyOption.REPLACE_EXISTING);
        assertRefused(mixed, "vocab=30");
        assertRefused(folder, "no files codes-*.safetensors");
    }

    @Test
    void damagedContentIsRefused() {
        assertRefused(file(info(20), DType.I32, Shape.of(1, 4), 0), "I32 (1, 4), expected I16 (1, 4)");
        assertRefused(file(info(20), DType.I16, Shape.of(2, 2), 0), "I16 (2, 2), expected I16 (1, 4)");
        assertRefused(file(info(20), DType.I16, Shape.of(1, 4), 2), "label 2, expected 0 to 1");
        Path high = file(info(3), DType.I16, Shape.of(1, 4), 0);
        try (TokenDataset set = TokenDataset.open(high)) {
            assertThatThrownBy(() -> set.read(0, new int[4], 0))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("code 3 in row 0, expected 0 to 2");
        }
    }

    private Path file(TokenDatasetInfo info, DType dtype, Shape shape, int label) {
        Path file = folder.resolve("one.safetensors");
        new SafeTensorsWriter()
                .metadata(info.toMetadata())
                .metadata("shard", "1/1")
                .metadata("sha256", "x")
                .ints("codes", dtype, shape, () -> new int[] {0, 1, 2, 3})
                .ints("labels", DType.I32, Shape.of(1), () -> new int[] {label})
                .write(file);
        return file;
    }

    private static void assertRefused(Path path, String message) {
        assertThatThrownBy(() -> TokenDataset.open(path))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining(message);
    }
}
