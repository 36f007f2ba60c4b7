package org.aimjvm.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.Npy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CodeFoldersTest {
    @TempDir Path dir;

    /** Three pictures of two crops of four codes, as LlamaGen writes them. */
    private Path llamaGen() throws IOException {
        Path codes = Files.createDirectories(dir.resolve("ll/imagenet256_codes"));
        Path labels = Files.createDirectories(dir.resolve("ll/imagenet256_labels"));
        for (int i = 0; i < 3; i++) {
            long[] values = new long[8];
            for (int j = 0; j < 8; j++) {
                values[j] = 10 * i + j;
            }
            Npy.write(codes.resolve(i + ".npy"), Shape.of(1, 2, 4), values);
            Npy.write(labels.resolve(i + ".npy"), Shape.of(1), new long[] {2 - i});
        }
        return dir.resolve("ll");
    }

    private static int[] row(TokenDataset set, int i) {
        int[] row = new int[set.length()];
        set.read(i, row, 0);
        return row;
    }

    @Test
    void llamaGensFilesBecomeASetWithTheCropsOfAPictureTogether() throws IOException {
        CodeFolders folders = CodeFolders.open(llamaGen(), 3);
        assertThat(folders.layout()).isEqualTo(CodeFolders.Layout.LLAMAGEN);
        assertThat(List.of(folders.pictures(), folders.crops(), folders.length())).containsExactly(3, 2, 4);
        folders.importTo(dir.resolve("set"), 30, done -> {});
        try (TokenDataset set = TokenDataset.open(dir.resolve("set"))) {
            assertThat(set.size()).isEqualTo(6);
            assertThat(set.info().gridHeight()).isEqualTo(2);
            assertThat(row(set, 3)).containsExactly(14, 15, 16, 17);
            assertThat(set.label(3)).isEqualTo(1);
            assertThat(set.info().classNames()).containsExactly("0", "1", "2");
        }
    }

    @Test
    void aSetSurvivesBothLayouts() throws IOException {
        CodeFolders.open(llamaGen(), 3).importTo(dir.resolve("set"), 30, done -> {});
        try (TokenDataset set = TokenDataset.open(dir.resolve("set"))) {
            for (CodeFolders.Layout layout : CodeFolders.Layout.values()) {
                Path files = dir.resolve(layout.name());
                CodeFolders.export(set, files, layout, "own", done -> {});
                CodeFolders again = CodeFolders.open(files, 3);
                assertThat(again.layout()).isEqualTo(layout);
                again.importTo(dir.resolve(layout + " again"), 30, done -> {});
                try (TokenDataset back = TokenDataset.open(dir.resolve(layout + " again"))) {
                    assertThat(back.size()).isEqualTo(set.size());
                    assertThat(back.info().classNames()).isEqualTo(set.info().classNames());
                    int[] order = layout == CodeFolders.Layout.LLAMAGEN
                            ? new int[] {0, 1, 2, 3, 4, 5}
                            : new int[] {4, 5, 2, 3, 0, 1}; // by class
                    for (int i = 0; i < order.length; i++) {
                        assertThat(row(back, i)).isEqualTo(row(set, order[i]));
                        assertThat(back.label(i)).isEqualTo(set.label(order[i]));
                    }
                }
            }
        }
    }

    @Test
    void brokenFoldersAreRefusedAndNothingIsWritten() throws IOException {
        Path ll = llamaGen();
        refused(ll, 20, "2.npy: code: 20 (expected 0 to 19)");
        Npy.write(ll.resolve("imagenet256_labels/1.npy"), Shape.of(1), new long[] {7});
        refused(ll, 30, "1.npy: label: 7 (expected 0 to 2)");
        Npy.write(ll.resolve("imagenet256_codes/1.npy"), Shape.of(1, 2, 5), new long[10]);
        refused(ll, 30, "1.npy: shape (1, 2, 5), expected 8 numbers as in the first file");
        Npy.write(ll.resolve("imagenet256_codes/1.npy"), Shape.of(1, 2, 4), new float[8]);
        refused(ll, 30, "1.npy: type F32, expected integers");
        Files.delete(ll.resolve("imagenet256_codes/1.npy"));
        refused(ll, 30, "1.npy: no such file, expected 0.npy to 1.npy for 2 files");
        Files.writeString(ll.resolve("imagenet256_codes/1.npy"), "not an array");
        refused(ll, 30, "1.npy");
        Path empty = Files.createDirectories(dir.resolve("empty/class"));
        refused(empty.getParent(), 30, "no codes, expected NAME_codes/0.npy and NAME_labels/0.npy, or CLASS/*.npy");
        Files.createDirectories(dir.resolve("alone/x_codes"));
        refused(dir.resolve("alone"), 30, "x_labels: no such folder, expected the labels of x_codes");
    }

    private void refused(Path folder, int vocab, String message) {
        Path target = dir.resolve("never");
        assertThatThrownBy(() -> CodeFolders.open(folder, 3).importTo(target, vocab, done -> {}))
                .isInstanceOf(CheckpointException.class).hasMessageContaining(message);
        assertThat(target).doesNotExist();
    }
}
