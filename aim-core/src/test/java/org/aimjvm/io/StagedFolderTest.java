package org.aimjvm.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files appear together, or not at all. */
class StagedFolderTest {
    @TempDir private Path dir;

    private static List<String> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void aNewFolderAppearsWithEverythingInIt() throws IOException {
        Path target = dir.resolve("a/b/../b/new");
        try (StagedFolder staged = StagedFolder.into(target)) {
            Files.writeString(staged.folder().resolve("x"), "1");
            Files.writeString(staged.folder().resolve("y"), "2");
            assertThat(target).doesNotExist();
            staged.commit();
        }
        assertThat(files(target)).containsExactly("x", "y");
        assertThat(files(target.getParent())).containsExactly("new");
    }

    @Test
    void anExistingFolderKeepsItsOtherFiles() throws IOException {
        Files.writeString(dir.resolve("x"), "old");
        Files.writeString(dir.resolve("z"), "other");
        try (StagedFolder staged = StagedFolder.into(dir)) {
            Files.writeString(staged.folder().resolve("x"), "new");
            Files.writeString(staged.folder().resolve("y"), "2");
            assertThat(Files.readString(dir.resolve("x"))).isEqualTo("old");
            staged.commit();
        }
        assertThat(files(dir)).containsExactly("x", "y", "z");
        assertThat(Files.readString(dir.resolve("x"))).isEqualTo("new");
        assertThat(Files.readString(dir.resolve("z"))).isEqualTo("other");
    }

    @Test
    void whatIsNotCommittedIsRemoved() throws IOException {
        Files.writeString(dir.resolve("file"), "x");
        for (Path target : List.of(dir, dir.resolve("new"))) {
            try (StagedFolder staged = StagedFolder.into(target)) {
                Files.writeString(staged.folder().resolve("x"), "1");
            }
        }
        assertThat(files(dir)).containsExactly("file");
        assertThatThrownBy(() -> StagedFolder.into(dir.resolve("file")))
                .isInstanceOf(CheckpointException.class)
                .hasMessage(dir.resolve("file") + ": is a file, expected a folder or a new name");
    }

    @Test
    void aReplacedFolderKeepsNothingOld() throws IOException {
        Path target = dir.resolve("set");
        for (String name : List.of("old", "new")) {
            try (StagedFolder staged = StagedFolder.replacing(target)) {
                Files.writeString(Files.createDirectories(staged.folder().resolve(name)).resolve("x"), name);
                staged.commit();
            }
        }
        assertThat(files(target)).containsExactly("new");
        try (StagedFolder staged = StagedFolder.replacing(target)) {
            Files.writeString(staged.folder().resolve("y"), "not committed");
        }
        assertThat(files(target)).containsExactly("new");
        assertThat(files(dir)).containsExactly("set");
        Files.writeString(dir.resolve("file"), "x");
        assertThatThrownBy(() -> StagedFolder.replacing(dir.resolve("file"))).isInstanceOf(CheckpointException.class);
    }
}
