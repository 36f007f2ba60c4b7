package org.aimjvm.io;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Several files that appear in a folder only when all of them are written. They are written to a hidden folder first;
 * {@link #commit} puts them in place and {@link #close} removes what was not put in place.
 *
 * <p>A folder that did not exist appears at once, with everything in it. In one that exists, the files are moved in one
 * after another, each at once, replacing those of the same name and leaving others alone: they are complete by then, so
 * only a crash between two moves can leave new files beside old ones.
 */
public final class StagedFolder implements AutoCloseable {
    private final Path target;
    private final Path staging;
    private final boolean exists;

    private StagedFolder(Path target, Path staging, boolean exists) {
        this.target = target;
        this.staging = staging;
        this.exists = exists;
    }

    /**
     * Prepares to write files into {@code target}; missing parent folders are created.
     *
     * @throws IOException if {@code target} is a file, or the hidden folder cannot be made
     */
    public static StagedFolder of(Path target) throws IOException {
        Path absolute = target.toAbsolutePath().normalize();
        boolean exists = Files.isDirectory(absolute);
        if (!exists && Files.exists(absolute)) {
            throw new IOException(target + ": is a file, expected a folder or a new name");
        }
        String random = Long.toHexString(ThreadLocalRandom.current().nextLong());
        // In the folder itself if it exists: it may be the root of a file system, and a move must not leave that.
        Path staging = exists
                ? absolute.resolve(".aim-" + random + ".tmp")
                : absolute.resolveSibling("." + absolute.getFileName() + "." + random + ".tmp");
        Files.createDirectories(staging);
        return new StagedFolder(absolute, staging, exists);
    }

    /** Where to write the files, without folders below. */
    public Path folder() {
        return staging;
    }

    /**
     * Puts all files in place.
     *
     * @throws IOException if one cannot be moved
     */
    public void commit() throws IOException {
        if (!exists) {
            Files.move(staging, target, StandardCopyOption.ATOMIC_MOVE);
            return;
        }
        for (Path file : files()) {
            Path place = target.resolve(file.getFileName());
            Files.move(file, place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        }
        Files.delete(staging);
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
     * @throws IOException if that is impossible
     */
    @Override
    public void close() throws IOException {
        if (Files.exists(staging)) {
            for (Path file : files()) {
                Files.delete(file);
            }
            Files.delete(staging);
        }
    }
}
