package org.aimjvm.io;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Function;

/** The bytes of a file, read-only and mapped rather than copied, so that only the parts in use occupy memory. */
final class MappedFile implements AutoCloseable {
    private final Arena arena;
    private final MemorySegment bytes;

    private MappedFile(Arena arena, MemorySegment bytes) {
        this.arena = arena;
        this.bytes = bytes;
    }

    /**
     * Maps {@code path} and hands it to {@code reader}, whose result takes over closing. The map is released if
     * {@code reader} throws.
     *
     * @throws CheckpointException if the file cannot be mapped
     */
    static <T> T open(Path path, Function<MappedFile, T> reader) {
        MappedFile file = map(path);
        boolean taken = false;
        try {
            T result = reader.apply(file);
            taken = true;
            return result;
        } finally {
            if (!taken) {
                file.close();
            }
        }
    }

    /** Bytes that are already in memory. */
    static MappedFile inMemory(MemorySegment bytes) {
        return new MappedFile(Arena.ofShared(), bytes.asReadOnly());
    }

    private static MappedFile map(Path path) {
        if (Files.isDirectory(path)) {
            throw new CheckpointException(path, null, "is a folder, expected a file");
        }
        Arena arena = Arena.ofShared();
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            return new MappedFile(arena, bytes);
        } catch (NoSuchFileException e) {
            arena.close();
            throw new CheckpointException(path, null, "no such file", e);
        } catch (IOException e) {
            arena.close();
            throw new CheckpointException(path, null, "cannot be read: " + e.getMessage(), e);
        }
    }

    MemorySegment bytes() {
        if (!arena.scope().isAlive()) {
            throw new IllegalStateException("the checkpoint is closed");
        }
        return bytes;
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
