package org.aimjvm.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.aimjvm.checkpoint.ImageNetClasses;
import org.aimjvm.io.CheckpointException;

/** Where the NumPy files of a {@link CodeFolder} are, and their labels, by picture. */
final class CodeFiles {
    static final String NPY = ".npy";
    /** Ending of the folder of codes in LlamaGen's layout. */
    static final String CODES = "_codes";
    /** Ending of the folder of labels beside it. */
    static final String LABELS = "_labels";

    private static final int MAX_CLASSES = 1 << 20;
    private static final String NUMBER = "[0-9]{1,9}";

    private final Path root;
    private final PictureIndex index; // null: ROOT/I.npy
    private final int[] labels; // of pictures, or of the index's classes
    private final List<String> classNames;

    private CodeFiles(Path root, PictureIndex index, int[] labels, List<String> classNames) {
        this.root = root;
        this.index = index;
        this.labels = labels;
        this.classNames = classNames;
    }

    /** Whether a folder has one of the two layouts. */
    static boolean areIn(Path folder) {
        return Files.isDirectory(folder) && (!codesIn(folder).isEmpty() || !classesIn(folder).isEmpty());
    }

    /** @throws CheckpointException if a folder has neither layout, or one of them incompletely */
    static CodeFiles of(Path folder) {
        List<Path> codes = codesIn(folder);
        if (codes.size() > 1) {
            throw new CheckpointException(folder, null, codes.size() + " sets of codes, expected one (name "
                    + codes.getFirst() + ", or another of them)");
        }
        if (codes.size() == 1) {
            return numbered(codes.getFirst());
        }
        if (classesIn(folder).isEmpty()) {
            throw new CheckpointException(folder, null, "neither folders NAME" + CODES + " and NAME" + LABELS
                    + " nor a folder per class with files *" + NPY + " in it");
        }
        return byClass(folder);
    }

    private static List<Path> codesIn(Path folder) {
        if (isCodes(folder)) {
            return List.of(folder);
        }
        return ClassFolders.folders(folder).stream().filter(CodeFiles::isCodes).toList();
    }

    private static boolean isCodes(Path folder) {
        return folder.getFileName() != null && folder.getFileName().toString().endsWith(CODES);
    }

    private static List<Path> classesIn(Path folder) {
        return ClassFolders.folders(folder).stream().filter(CodeFiles::holdsArrays).toList();
    }

    private static boolean holdsArrays(Path folder) {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*" + NPY)) {
            return files.iterator().hasNext();
        } catch (IOException e) {
            throw new CheckpointException(folder, null, "cannot be listed: " + ClassFolders.reason(e), e);
        }
    }

    private static CodeFiles numbered(Path codes) {
        String name = codes.getFileName().toString();
        Path labels = codes.resolveSibling(name.substring(0, name.length() - CODES.length()) + LABELS);
        if (!Files.isDirectory(labels)) {
            throw new CheckpointException(labels, null, "no such folder, expected the labels of " + codes);
        }
        int count = count(codes);
        int labelCount = count(labels);
        if (labelCount != count) {
            throw new CheckpointException(labels, null, labelCount + " labels, expected " + count + " as there are in "
                    + codes);
        }
        int[] byPicture = new int[count];
        IntStream.range(0, count).parallel().forEach(i -> byPicture[i] = label(labels.resolve(i + NPY)));
        return new CodeFiles(codes, null, byPicture, names(IntStream.of(byPicture).max().orElseThrow() + 1));
    }

    private static int label(Path file) {
        int[] label = CodeFolder.npy(file).ints();
        if (label.length != 1 || label[0] < 0 || label[0] >= MAX_CLASSES) {
            throw new CheckpointException(file, null,
                    (label.length == 1 ? "label " + label[0] : label.length + " labels")
                            + ", expected one of 0 to " + (MAX_CLASSES - 1));
        }
        return label[0];
    }

    /** Number of files in a folder, which must be 0.npy, 1.npy and so on. */
    private static int count(Path folder) {
        int[] numbers = new int[1024];
        int count = 0;
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*" + NPY)) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                String stem = name.substring(0, name.length() - NPY.length());
                if (!stem.matches(NUMBER) || !stem.equals(Integer.toString(Integer.parseInt(stem)))) {
                    throw new CheckpointException(file, null, "expected names 0" + NPY + ", 1" + NPY + " and so on");
                }
                if (count == numbers.length) {
                    numbers = Arrays.copyOf(numbers, 2 * count);
                }
                numbers[count++] = Integer.parseInt(stem);
            }
        } catch (IOException | DirectoryIteratorException e) {
            throw new CheckpointException(folder, null, "cannot be listed: " + e.getMessage(), e);
        }
        Arrays.sort(numbers, 0, count);
        for (int i = 0; i < count; i++) {
            if (numbers[i] != i) {
                throw new CheckpointException(folder.resolve(i + NPY), null, "no such file, but there are "
                        + numbers[count - 1] + NPY + " and others (is the folder complete?)");
            }
        }
        if (count == 0) {
            throw new CheckpointException(folder, null, "no files *" + NPY + ", expected one per picture");
        }
        return count;
    }

    private static CodeFiles byClass(Path root) {
        List<Path> folders = ClassFolders.folders(root);
        boolean numbers = folders.stream().allMatch(f -> f.getFileName().toString().matches(NUMBER));
        PictureIndex.Builder index = new PictureIndex.Builder();
        int[] labels = new int[folders.size()];
        Map<Integer, Path> taken = new HashMap<>();
        for (int i = 0; i < labels.length; i++) {
            Path folder = folders.get(i);
            String name = folder.getFileName().toString();
            labels[i] = numbers ? Integer.parseInt(name) : i;
            Path other = taken.put(labels[i], folder);
            if (other != null) {
                throw new CheckpointException(folder, null, "label " + labels[i] + ", which " + other + " has too");
            }
            index.add(name, arrays(folder));
        }
        return new CodeFiles(
                root, index.build(), labels,
                numbers ? names(IntStream.of(labels).max().orElseThrow() + 1)
                        : folders.stream().map(f -> f.getFileName().toString()).toList());
    }

    private static List<String> arrays(Path folder) {
        try (Stream<Path> files = Files.walk(folder, FileVisitOption.FOLLOW_LINKS)) {
            List<String> names = files
                    .filter(f -> f.getFileName().toString().endsWith(NPY) && Files.isRegularFile(f))
                    .map(f -> folder.relativize(f).toString().replace(f.getFileSystem().getSeparator(), "/"))
                    .sorted()
                    .toList();
            if (names.isEmpty()) {
                throw new CheckpointException(folder, null, "no files *" + NPY
                        + " in it, expected the codes of a class's pictures (remove the folder)");
            }
            return names;
        } catch (IOException | UncheckedIOException e) {
            throw new CheckpointException(folder, null, "cannot be listed: " + e.getMessage(), e);
        }
    }

    /** What classes are called of which numbers alone are known. */
    private static List<String> names(int count) {
        if (count > MAX_CLASSES) {
            throw new IllegalArgumentException("label: " + (count - 1) + " (expected less than " + MAX_CLASSES + ")");
        }
        return count == ImageNetClasses.COUNT
                ? ImageNetClasses.names()
                : IntStream.range(0, count).mapToObj(Integer::toString).toList();
    }

    int size() {
        return index == null ? labels.length : index.size();
    }

    int label(int picture) {
        return index == null ? labels[picture] : labels[index.label(picture)];
    }

    /** Path of a picture's file relative to the folder of all, with slashes. */
    String name(int picture) {
        return index == null ? picture + NPY : index.path(picture);
    }

    Path path(int picture) {
        return root.resolve(name(picture));
    }

    List<String> classNames() {
        return classNames;
    }
}
