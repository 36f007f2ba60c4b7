package org.aimjvm.io;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Files that appear in a folder only when all of them are written. They are written to a hidden folder first; {@link #commit}
 * puts them in place and {@link #close} removes what was not put in place.
 *
 * <p>A folder that did not exist appears at once, with everything in it. Of one that exists there are two kinds of use:
 *
 * <ul>
 *   <li>{@link #into}: the files are moved in one after another, each at once, replacing those of the same name and leaving others
 *       alone. They are complete by then, so only a crash between two moves can leave new files beside old ones.
 *   <li>{@link #replacing}: the whole folder gives way to the new one, so that nothing old stays beside the new files. Only a
 *       crash between two renames can leave none under the name; the old one is then complete under the hidden name.
 * </ul>
 *
 * A crash leaves at most hidden folders {@code .NAME.*.tmp}. Whatever the disk refuses is a {@link CheckpointException} that
 * names the folder.
 */
public final class StagedFolder implements AutoCloseable {
    private final Path target;
    private final Path staging;
    private final boolean merges;

    private StagedFolder(Path target, Path staging, boolean merges) {
        this.target = target;
        this.staging = staging;
        this.merges = merges;
    }

    /**
     * Prepares to add files to {@code target}; missing parent folders are created.
     *
     * @throws CheckpointException if {@code target} is a file, or the hidden folder cannot be made
     */
    public static StagedFolder into(Path target) {
        Path absolute = absolute(target);
        boolean exists = Files.isDirectory(absolute);
        // In the folder itself if it exists: it may be the root of a file system, and a move must not leave that.
        Path staging = exists ? hidden(absolute.resolve("aim")) : hidden(absolute);
        return new StagedFolder(absolute, made(staging), exists);
    }

    /**
     * Prepares to write {@code target} anew; missing parent folders are created.
     *
     * @throws CheckpointException if {@code target} is a file, or the hidden folder cannot be made
     */
    public static StagedFolder replacing(Path target) {
        Path absolute = absolute(target);
        return new StagedFolder(absolute, made(hidden(absolute)), false);
    }

    private static Path absolute(Path target) {
        Path absolute = target.toAbsolutePath().normalize();
        if (Files.exists(absolute) && !Files.isDirectory(absolute)) {
            throw new CheckpointException(target, null, "is a file, expected a folder or a new name");
        }
        return absolute;
    }

    /** A hidden name beside {@code path}. */
    private static Path hidden(Path path) {
        String random = Long.toHexString(ThreadLocalRandom.current().nextLong());
        return path.resolveSibling("." + path.getFileName() + "." + random + ".tmp");
    }

    private static Path made(Path folder) {
        try {
            return Files.createDirectories(folder);
        } catch (IOException e) {
            throw new CheckpointException(folder, null, "folder cannot be made: " + e.getMessage(), e);
        }
    }

    /** Where to write the files; without folders below if they are to be added to an existing folder. */
    public Path folder() {
        return staging;
    }

    /**
     * Puts all files in place.
     *
     * @throws CheckpointException if one cannot be moved
     */
    public void commit() {
        try {
            if (merges) {
                for (Path file : files()) {
                    Path place = target.resolve(file.getFileName());
                    Files.move(file, place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
                }
                Files.delete(staging);
            } else if (Files.exists(target)) {
                Path old = hidden(target);
                Files.move(target, old, StandardCopyOption.ATOMIC_MOVE);
                Files.move(staging, target, StandardCopyOption.ATOMIC_MOVE);
                delete(old);
            } else {
                Files.move(staging, target, StandardCopyOption.ATOMIC_MOVE);
            }
        } catch (IOException e) {
            throw new CheckpointException(target, null, "cannot be put in place: " + e.getMessage(), e);
        }
    }

    private List<Path> files() throws IOException {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(staging)) {
            entries.forEach(files::add);
        }
        files.sort(null);
        return files;
    }

    /**
     * Removes what was written, if it was not committed.
     *
     * @throws CheckpointException if that is impossible
     */
    @Override
    public void close() {
        delete(staging);
    }

    /**
     * Removes a folder with everything in it, if it exists.
     *
     * @throws CheckpointException if that is impossible
     */
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
