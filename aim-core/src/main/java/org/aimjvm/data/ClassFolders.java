package org.aimjvm.data;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import org.aimjvm.io.CheckpointException;

/**
 * Lists the classes of a folder and the picture files of a class. Links are followed; one that leads back to a folder
 * above is left out. What operating systems and tools leave behind (hidden files and folders, {@code lost+found} and
 * the like) is passed over.
 */
final class ClassFolders {
    private static final Set<String> ENDINGS = Set.of("png", "jpg", "jpeg", "bmp", "gif", "webp");
    private static final Set<String> SYSTEM_FOLDERS =
            Set.of("__macosx", "lost+found", "@eadir", "$recycle.bin", "system volume information", "__pycache__");
    private static final Set<String> TRAIN = Set.of("train", "training");
    private static final Set<String> VALIDATION = Set.of("val", "valid", "validation", "dev", "test", "testing");
    private static final String LOOP = "a link back to a folder above it";

    private final Path root;
    private final List<LeftOut> leftOut;

    /** @param leftOut takes what is met and left out */
    ClassFolders(Path root, List<LeftOut> leftOut) {
        this.root = root;
        this.leftOut = leftOut;
    }

    /**
     * The folders that could be classes, by name.
     *
     * @throws CheckpointException if the folder cannot be listed, or holds parts (train, val) instead of classes
     */
    List<Path> classes() {
        List<Path> folders = new ArrayList<>();
        for (Path folder : folders(root)) {
            if (leadsUp(folder)) {
                leaveOut(folder, LOOP);
            } else {
                folders.add(folder);
            }
        }
        requireClasses(folders);
        return folders;
    }

    /** The folders in {@code parent} that are not the system's, by name. */
    static List<Path> folders(Path parent) {
        try (Stream<Path> all = Files.list(parent)) {
            return all.filter(p -> !isSystem(name(p)) && Files.isDirectory(p)).sorted().toList();
        } catch (IOException e) {
            throw new CheckpointException(parent, null, "cannot be listed: " + reason(e), e);
        }
    }

    private void requireClasses(List<Path> folders) {
        List<Path> train = folders.stream().filter(p -> TRAIN.contains(lower(p))).toList();
        List<Path> validation = folders.stream().filter(p -> VALIDATION.contains(lower(p))).toList();
        boolean parts = !train.isEmpty() && train.size() + validation.size() == folders.size();
        if (parts && !folders(train.getFirst()).isEmpty()) {
            throw new CheckpointException(root, null, "holds parts of a data set ("
                    + String.join(", ", folders.stream().map(ClassFolders::name).toList())
                    + "), expected a folder per class (train on " + train.getFirst()
                    + (validation.isEmpty() ? "" : ", validate on " + validation.getFirst()) + ")");
        }
    }

    /**
     * The picture files in a class's folder or deeper, by name.
     *
     * @return paths relative to {@code folder}, with slashes
     */
    List<String> files(Path folder) {
        List<String> files = new ArrayList<>();
        try {
            Files.walkFileTree(folder, Set.of(FileVisitOption.FOLLOW_LINKS), Integer.MAX_VALUE,
                    new SimpleFileVisitor<>() {
                        @Override
                        public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) {
                            if (dir.equals(folder)) {
                                return FileVisitResult.CONTINUE;
                            }
                            if (leadsUp(dir)) {
                                leaveOut(dir, LOOP);
                                return FileVisitResult.SKIP_SUBTREE;
                            }
                            return isSystem(name(dir)) ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
                        }

                        @Override
                        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                            if (isPicture(name(file))) {
                                add(folder, file, attributes, files);
                            }
                            return FileVisitResult.CONTINUE;
                        }

                        @Override
                        public FileVisitResult visitFileFailed(Path file, IOException e) {
                            if (!isSystem(name(file))) {
                                leaveOut(file, reason(e));
                            }
                            return FileVisitResult.CONTINUE;
                        }

                        @Override
                        public FileVisitResult postVisitDirectory(Path dir, IOException e) {
                            if (e != null) {
                                leaveOut(dir, reason(e));
                            }
                            return FileVisitResult.CONTINUE;
                        }
                    });
        } catch (IOException e) {
            throw new CheckpointException(folder, null, "cannot be listed: " + reason(e), e);
        }
        files.sort(null);
        return files;
    }

    private void add(Path folder, Path file, BasicFileAttributes attributes, List<String> files) {
        String name = slashes(folder.relativize(file));
        if (!attributes.isRegularFile()) {
            leaveOut(file, attributes.isSymbolicLink() ? "a link to nothing" : "not a file");
        } else if (!folder.resolve(name).equals(file)) {
            leaveOut(file, "its name is no text in this locale (set LC_ALL=C.UTF-8)");
        } else {
            files.add(name);
        }
    }

    /** Whether a link leads to the data folder or one above it. */
    private boolean leadsUp(Path folder) {
        if (!Files.isSymbolicLink(folder)) {
            return false;
        }
        try {
            return root.toRealPath().startsWith(folder.toRealPath());
        } catch (IOException e) {
            return false; // then it cannot be listed either, and that is said
        }
    }

    private void leaveOut(Path file, String reason) {
        leftOut.add(new LeftOut(slashes(root.relativize(file)), reason));
    }

    private static String slashes(Path path) {
        return path.toString().replace(path.getFileSystem().getSeparator(), "/");
    }

    /** Why a file or folder cannot be read, in words. */
    static String reason(IOException e) {
        return switch (e) {
            case AccessDeniedException _ -> "permission denied";
            case FileSystemLoopException _ -> LOOP;
            case NoSuchFileException _ -> "no such file";
            default -> String.valueOf(e.getMessage());
        };
    }

    private static String name(Path path) {
        return path.getFileName().toString();
    }

    private static String lower(Path path) {
        return name(path).toLowerCase(Locale.ROOT);
    }

    private static boolean isSystem(String name) {
        return name.startsWith(".") || SYSTEM_FOLDERS.contains(name.toLowerCase(Locale.ROOT));
    }

    private static boolean isPicture(String name) {
        int dot = name.lastIndexOf('.');
        return dot > 0 && !name.startsWith(".") && ENDINGS.contains(name.substring(dot + 1).toLowerCase(Locale.ROOT));
    }
}
