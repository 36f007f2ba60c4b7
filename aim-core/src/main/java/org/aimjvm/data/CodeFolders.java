package org.aimjvm.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.Npy;
import org.aimjvm.io.StagedFolder;

/**
 * Codes as other projects keep them, a NumPy file for each picture, read into a set of this library's own and written
 * from one:
 *
 * <ul>
 * <li>{@link Layout#LLAMAGEN}: {@code NAME_codes/I.npy} with (1, crops, length) codes and {@code NAME_labels/I.npy} with
 * the label, I from 0;
 * <li>{@link Layout#CLASSES}: {@code CLASS/*.npy} with (crops, length) codes (RandAR, ARPG); classes by name.
 * </ul>
 *
 * <p>Files are listed first and read one by one, so a million of them take the memory of their names.
 */
public final class CodeFolders {
    private static final String CODES = "_codes";
    private static final String LABELS = "_labels";
    /** A picture of more codes or crops is taken for another kind of file. */
    private static final int MOST = 1 << 20;

    /** How the files lie. */
    public enum Layout {
        LLAMAGEN, CLASSES
    }

    private record Entry(Path file, int label) {}

    private final Path folder;
    private final Layout layout;
    private final List<String> classNames;
    private final List<Path> codes;
    private final int[] labels; // null: of the files in labelFolder
    private final Path labelFolder;
    private final int crops;
    private final int length;

    private CodeFolders(
            Path folder, Layout layout, List<String> classNames, List<Path> codes, int[] labels, Path labelFolder) {
        this.folder = folder;
        this.layout = layout;
        this.classNames = classNames;
        this.codes = codes;
        this.labels = labels;
        this.labelFolder = labelFolder;
        Shape first = Npy.read(codes.getFirst()).shape();
        int rank = first.rank();
        if (rank < 1 || rank > 3 || first.size() < 1 || first.size() > MOST || rank == 3 && first.dim(0) != 1) {
            throw new CheckpointException(
                    codes.getFirst(), null,
                    "shape " + first + ", expected (length), (crops, length) or (1, crops, length)");
        }
        this.length = first.dim(-1);
        this.crops = first.size() / length;
    }

    /**
     * Lists a folder of either layout.
     *
     * @param classes number of classes for {@link Layout#LLAMAGEN}, whose files do not say; else not used
     * @throws CheckpointException if it is neither, or its first file holds no codes
     */
    public static CodeFolders open(Path folder, int classes) {
        List<Path> folders = folders(folder);
        List<Path> withCodes = folders.stream().filter(p -> p.getFileName().toString().endsWith(CODES)).toList();
        if (withCodes.size() == 1) {
            String name = withCodes.getFirst().getFileName().toString();
            Path labels = folder.resolve(name.substring(0, name.length() - CODES.length()) + LABELS);
            if (!Files.isDirectory(labels)) {
                throw new CheckpointException(labels, null, "no such folder, expected the labels of " + name);
            }
            List<Path> files = numbered(withCodes.getFirst());
            List<String> names = IntStream.range(0, classes).mapToObj(Integer::toString).toList();
            return new CodeFolders(folder, Layout.LLAMAGEN, names, files, null, labels);
        }
        List<Entry> entries = new ArrayList<>();
        List<String> names = new ArrayList<>();
        for (Path of : folders) {
            List<Path> files = arrays(of);
            if (!files.isEmpty()) {
                files.forEach(f -> entries.add(new Entry(f, names.size())));
                names.add(of.getFileName().toString());
            }
        }
        if (entries.isEmpty()) {
            throw new CheckpointException(folder, null, "no codes, expected NAME" + CODES + "/0.npy and NAME" + LABELS
                    + "/0.npy, or CLASS/*.npy");
        }
        return new CodeFolders(
                folder, Layout.CLASSES, names, entries.stream().map(Entry::file).toList(),
                entries.stream().mapToInt(Entry::label).toArray(), null);
    }

    private static List<Path> folders(Path folder) {
        try (Stream<Path> all = Files.list(folder)) {
            return all.filter(Files::isDirectory).filter(p -> !p.getFileName().toString().startsWith("."))
                    .sorted(Comparator.comparing(p -> p.getFileName().toString())).toList();
        } catch (IOException e) {
            throw new CheckpointException(folder, null, "cannot be read: " + e.getMessage(), e);
        }
    }

    private static List<Path> arrays(Path folder) {
        try (Stream<Path> all = Files.list(folder)) {
            return all.filter(p -> p.getFileName().toString().endsWith(".npy"))
                    .sorted(Comparator.comparing(p -> p.getFileName().toString())).toList();
        } catch (IOException e) {
            throw new CheckpointException(folder, null, "cannot be read: " + e.getMessage(), e);
        }
    }

    /** Files 0.npy to the last, all of them there. */
    private static List<Path> numbered(Path folder) {
        int count = arrays(folder).size();
        if (count == 0) {
            throw new CheckpointException(folder, null, "no .npy files, expected 0.npy and so on");
        }
        List<Path> files = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            Path file = folder.resolve(i + ".npy");
            if (!Files.exists(file)) {
                throw new CheckpointException(
                        file, null, "no such file, expected 0.npy to " + (count - 1) + ".npy for " + count + " files");
            }
            files.add(file);
        }
        return files;
    }

    public Layout layout() {
        return layout;
    }

    /** Pictures. */
    public int pictures() {
        return codes.size();
    }

    /** Rows of codes of each picture. */
    public int crops() {
        return crops;
    }

    /** Codes of a row. */
    public int length() {
        return length;
    }

    /** Classes by label. */
    public List<String> classNames() {
        return classNames;
    }

    /**
     * Writes them as a set for {@link TokenDataset}: the crops of a picture one after another.
     *
     * @param target where to put the set, replaced when complete
     * @param vocab codes are in [0, vocab)
     * @param progress told how many pictures are done
     * @throws CheckpointException if a file is damaged, of another shape, or has a code or label out of range
     */
    public void importTo(Path target, int vocab, IntConsumer progress) {
        int side = (int) Math.round(Math.sqrt(length));
        boolean square = side * side == length;
        TokenDatasetInfo info = new TokenDatasetInfo(
                square ? side : 1, square ? side : length, vocab, classNames,
                "files of " + folder.getFileName(), TokenDatasetInfo.UNKNOWN);
        int rows = Math.multiplyExact(codes.size(), crops);
        int perFile = Math.max(length, TokenDatasetWriter.DEFAULT_CODES_PER_FILE);
        try (TokenDatasetWriter writer = new TokenDatasetWriter(target, info, rows, perFile)) {
            for (int i = 0; i < codes.size(); i++) {
                int[] row = integers(codes.get(i), crops * length);
                int label = labels != null ? labels[i] : integers(labelFolder.resolve(i + ".npy"), 1)[0];
                for (int c = 0; c < crops; c++) {
                    try {
                        writer.add(row, c * length, label);
                    } catch (IllegalArgumentException e) {
                        throw new CheckpointException(codes.get(i), null, e.getMessage(), e);
                    }
                }
                progress.accept(i + 1);
            }
            writer.finish();
        }
    }

    private static int[] integers(Path file, int count) {
        Npy array = Npy.read(file);
        if (array.shape().size() != count) {
            throw new CheckpointException(
                    file, null, "shape " + array.shape() + ", expected " + count + " numbers as in the first file");
        }
        return switch (array.dtype()) {
            case I64 -> Arrays.stream(array.longs()).mapToInt(v -> narrowed(file, v)).toArray();
            case I32, I16, I8, U8 -> array.ints();
            default -> throw new CheckpointException(file, null, "type " + array.dtype() + ", expected integers");
        };
    }

    private static int narrowed(Path file, long value) {
        if (value != (int) value) {
            throw new CheckpointException(file, null, "code " + value + ", expected a smaller number");
        }
        return (int) value;
    }

    /**
     * Writes a set as files of one layout, each row as a picture of one crop.
     *
     * @param target new folder, there when complete
     * @param name what the two folders of {@link Layout#LLAMAGEN} begin with, e.g. {@code imagenet256}
     */
    public static void export(TokenDataset set, Path target, Layout layout, String name, IntConsumer progress) {
        int length = set.length();
        int[] row = new int[length];
        try (StagedFolder staged = StagedFolder.into(target)) {
            Path codeFolder = Files.createDirectories(staged.folder().resolve(name + CODES));
            Path labelFolder = Files.createDirectories(staged.folder().resolve(name + LABELS));
            if (layout == Layout.CLASSES) {
                Files.delete(codeFolder);
                Files.delete(labelFolder);
                for (String of : set.info().classNames()) {
                    Files.createDirectories(classFolder(staged.folder(), of));
                }
            }
            for (int i = 0; i < set.size(); i++) {
                set.read(i, row, 0);
                long[] values = Arrays.stream(row).asLongStream().toArray();
                if (layout == Layout.LLAMAGEN) {
                    Npy.write(codeFolder.resolve(i + ".npy"), Shape.of(1, 1, length), values);
                    Npy.write(labelFolder.resolve(i + ".npy"), Shape.of(1), new long[] {set.label(i)});
                } else {
                    Path of = classFolder(staged.folder(), set.info().classNames().get(set.label(i)));
                    Npy.write(of.resolve(String.format(Locale.ROOT, "%08d.npy", i)), Shape.of(1, length), values);
                }
                progress.accept(i + 1);
            }
            staged.commit();
        } catch (IOException e) {
            throw new CheckpointException(target, null, "cannot be written: " + e.getMessage(), e);
        }
    }

    private static Path classFolder(Path folder, String name) {
        if (name.isBlank() || name.startsWith(".") || name.contains("/") || name.contains("\\")) {
            throw new IllegalArgumentException(
                    "class: \"" + name + "\", expected a name that can be a folder's (write the other layout)");
        }
        return folder.resolve(name);
    }
}
