package org.aimjvm.io;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A folder that appears under its name only when all its files are written. Files go to a hidden folder next to it, which is
 * moved into place by {@link #commit} and removed if that is not reached.
 */
public final class AtomicFolder implements AutoCloseable {
    private static final String TEMP_SUFFIX = ".tmp";

    private final Path target;
    private final Path temp;

    /** @throws CheckpointException if the temporary folder cannot be made */
    public AtomicFolder(Path target) {
        this.target = target.toAbsolutePath();
        this.temp = sibling();
        try {
            Files.createDirectories(temp);
        } catch (IOException e) {
            throw new CheckpointException(temp, null, "folder cannot be made: " + e.getMessage(), e);
        }
    }

    private Path sibling() {
        String random = Long.toHexString(ThreadLocalRandom.current().nextLong());
        return target.resolveSibling("." + target.getFileName() + "." + random + TEMP_SUFFIX);
    }

    /** Where to write the files. */
    public Path folder() {
        return temp;
    }

    /** Moves the folder into place; one that is there already goes first. */
    public void commit() {
        try {
            if (Files.exists(target)) {
                Path old = sibling();
                Files.move(target, old, StandardCopyOption.ATOMIC_MOVE);
                Files.move(temp, target, StandardCopyOption.ATOMIC_MOVE);
                delete(old);
            } else {
                Files.move(temp, target, StandardCopyOption.ATOMIC_MOVE);
            }
        } catch (IOException e) {
            throw new CheckpointException(target, null, "cannot be put in place: " + e.getMessage(), e);
        }
    }

    /** Removes what was written, if it was not committed. */
    @Override
    public void close() {
        delete(temp);
    }

    /** Removes a folder with everything in it, if it exists. */
    public static void delete(Path folder) {
        if (!Files.exists(folder)) {
            return;
        }
        try {
            Files.walkFileTree(folder, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    Files.delete(file);
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(Path dir, IOException e) throws IOException {
                    if (e != null) {
                        throw e;
                    }
                    Files.delete(dir);
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            throw new CheckpointException(folder, null, "cannot be removed: " + e.getMessage(), e);
        }
    }
}
