package org.aimjvm.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFilesTest {
    @TempDir Path folder;

    @Test
    void writesAndReplaces() throws IOException {
        Path path = folder.resolve("a/b/file");
        AtomicFiles.write(path, new byte[] {1, 2});
        assertThat(path).hasBinaryContent(new byte[] {1, 2});
        AtomicFiles.write(path, new byte[] {3});
        assertThat(path).hasBinaryContent(new byte[] {3});
        assertThat(path.getParent()).isDirectoryContaining(path::equals);
        try (var files = Files.list(path.getParent())) {
            assertThat(files).containsExactly(path);
        }
    }

    @Test
    void failureLeavesTheOldFileAndNoOther() throws IOException {
        Path path = folder.resolve("file");
        Files.writeString(path, "old");
        assertThatThrownBy(() -> AtomicFiles.write(path, out -> {
            out.write(ByteBuffer.wrap(new byte[100]));
            throw new IOException("disk full");
        }))
                .hasMessage("disk full");
        assertThat(path).hasContent("old");
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(path);
        }
    }

    @Test
    void aFolderIsNotReplaced() {
        assertThatThrownBy(() -> AtomicFiles.write(folder, new byte[1]))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("is a folder");
        assertThat(folder).isEmptyDirectory();
    }
}
