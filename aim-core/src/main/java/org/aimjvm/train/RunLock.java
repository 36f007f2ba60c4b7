package org.aimjvm.train;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.aimjvm.io.CheckpointException;

/**
 * A run's folder taken for one run: a second one is refused from the first moment on. The operating system frees the
 * lock with the process, however it ends; the file {@value #FILE} that a killed one leaves behind keeps no one out.
 */
public final class RunLock implements AutoCloseable {
    static final String FILE = ".lock";
    private static final int MAX_TEXT = 64;
    /** Far after the text, which others may read where locks are binding. */
    private static final long LOCKED_BYTE = 1 << 20;
    /**
     * Folders taken in this process. Static since the operating system's locks are the process's too: merely opening
     * and closing the file a second time would give the lock back.
     */
    private static final Set<Path> TAKEN_HERE = ConcurrentHashMap.newKeySet();

    private final Path folder;
    private final Path key;
    private final boolean made;
    private final FileChannel channel;

    private RunLock(Path folder, Path key, boolean made, FileChannel channel) {
        this.folder = folder;
        this.key = key;
        this.made = made;
        this.channel = channel;
    }

    /**
     * Takes the folder, which is made when needed.
     *
     * @throws CheckpointException if another run has it, in this process or another, or it cannot be locked
     */
    public static RunLock of(Path folder) {
        try {
            boolean made = !Files.exists(folder);
            Files.createDirectories(folder);
            Path key = folder.toRealPath();
            if (!TAKEN_HERE.add(key)) {
                throw inUse(folder, "this process");
            }
            RunLock lock = null;
            try {
                while (lock == null) { // again only if a run that ended meanwhile has removed the file
                    Files.createDirectories(folder);
                    FileChannel channel = locked(folder);
                    lock = channel == null ? null : new RunLock(folder, key, made, channel);
                }
                return lock;
            } finally {
                if (lock == null) {
                    TAKEN_HERE.remove(key);
                }
            }
        } catch (IOException e) {
            throw new CheckpointException(folder.resolve(FILE), null, "cannot be locked: " + e.getMessage()
                    + " (expected a folder that can be written to, on a file system with locks)", e);
        }
    }

    /** The locked file, or {@code null} if what was locked is no longer the file of that name. */
    private static FileChannel locked(Path folder) throws IOException {
        Path file = folder.resolve(FILE);
        Object before = identity(file);
        FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        boolean taken = false;
        try {
            FileLock lock = channel.tryLock(LOCKED_BYTE, 1, false);
            if (lock == null) {
                throw inUse(folder, text(channel));
            }
            if (before == null || !before.equals(identity(file))) {
                return null; // made here a moment ago, or removed since: the next attempt knows
            }
            taken = true;
            channel.truncate(0);
            String owner = "process " + ProcessHandle.current().pid();
            channel.write(ByteBuffer.wrap(owner.getBytes(StandardCharsets.UTF_8)), 0);
            return channel;
        } finally {
            if (!taken) {
                channel.close();
            }
        }
    }

    /** What tells files of one name apart, {@code null} if there is none; without opening it. */
    private static Object identity(Path file) throws IOException {
        try {
            Object key = Files.readAttributes(file, BasicFileAttributes.class).fileKey();
            return key == null ? file : key; // a system without keys does not remove files that are open
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    private static String text(FileChannel channel) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(MAX_TEXT);
        channel.read(bytes, 0);
        String text = new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8);
        return text.matches("process \\d+") ? text : "another process";
    }

    private static CheckpointException inUse(Path folder, String owner) {
        return new CheckpointException(folder, null, "another run is writing to it, of " + owner
                + " (expected a folder of its own for each run; wait for that one, or name another folder)");
    }

    /** The folder that is taken. */
    public Path folder() {
        return folder;
    }

    /** Gives the folder back; one that was made for the lock and is empty goes. */
    @Override
    public void close() {
        if (!channel.isOpen()) {
            return;
        }
        Path file = folder.resolve(FILE);
        try (channel) {
            Files.deleteIfExists(file); // while it is still locked; who has opened it looks for it again
            if (made && isEmpty()) {
                Files.delete(folder);
            }
        } catch (IOException e) {
            throw new CheckpointException(file, null, "cannot be removed: " + e.getMessage(), e);
        } finally {
            TAKEN_HERE.remove(key);
        }
    }

    private boolean isEmpty() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.findAny().isEmpty();
        }
    }
}
