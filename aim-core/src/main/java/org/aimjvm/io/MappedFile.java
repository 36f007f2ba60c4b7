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

/**
 * The bytes of a file, read-only and mapped rather than copied, so that only the parts in use occupy memory. Slices
 * handed out stay valid after {@link #close}: the file is unmapped when nothing refers to it any more.
 */
final class MappedFile implements AutoCloseable {
    private volatile MemorySegment bytes; // null: closed

    private MappedFile(MemorySegment bytes) {
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
        return new MappedFile(bytes.asReadOnly());
    }

    private static MappedFile map(Path path) {
        if (Files.isDirectory(path)) {
            throw new CheckpointException(path, null, "is a folder, expected a file");
        }
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            return new MappedFile(channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto()));
        } catch (NoSuchFileException e) {
            throw new CheckpointException(path, null, "no such file", e);
        } catch (IOException e) {
            throw new CheckpointException(path, null, "cannot be read: " + e.getMessage(), e);
        }
    }

    MemorySegment bytes() {
        MemorySegment open = bytes;
        if (open == null) {
            throw new IllegalStateException("the checkpoint is closed");
        }
        return open;
    }

    @Override
    public void close() {
        bytes = null;
    }
}
