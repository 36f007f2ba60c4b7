package org.aimjvm.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Files that are either there completely or not at all, whatever happens while they are written.
 *
 * <p>The content goes to a temporary file in the same folder, is forced to the disk and then moved over the target in
 * one step. If writing fails, the temporary file is removed and an earlier target is left as it was.
 */
public final class AtomicFiles {
    /** Writes the whole content of a file. */
    @FunctionalInterface
    public interface Content {
        /**
         * @param out open for writing, at position 0; need not be closed
         */
        void write(FileChannel out) throws IOException;
    }

    private AtomicFiles() {}

    /**
     * Writes {@code target} with {@code content}, replacing it if it exists. Missing parent folders are created.
     *
     * @throws IOException if it cannot be written; whatever {@code content} throws is passed on
     */
    public static void write(Path target, Content content) throws IOException {
        Path folder = target.toAbsolutePath().getParent();
        if (folder == null || Files.isDirectory(target)) {
            throw new IOException(target + ": is a folder, expected a file name");
        }
        Files.createDirectories(folder);
        // Not Files.createTempFile: that hides the file from other users, and the mode would survive the move.
        Path temp = folder.resolve(
                "." + target.getFileName() + "." + Long.toHexString(ThreadLocalRandom.current().nextLong()) + ".tmp");
        try {
            try (FileChannel out =
                    FileChannel.open(temp, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                content.write(out);
                out.force(true);
            }
            Files.move(temp, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temp);
        }
    }

    /** Writes {@code bytes} as the whole content of {@code target}. Not modified. */
    public static void write(Path target, byte[] bytes) throws IOException {
        write(target, out -> {
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            while (buffer.hasRemaining()) {
                out.write(buffer);
            }
        });
    }
}
