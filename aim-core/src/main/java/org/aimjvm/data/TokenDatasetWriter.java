package org.aimjvm.data;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.StagedFolder;

/**
 * Writes a {@link TokenDataset} row by row, holding one file's codes in memory. The folder appears when
 * {@link #finish} is reached.
 *
 * <p>Several workers write a set together: each its {@link Shard} into a folder of its own, which {@link #merge} joins
 * into the folder that one worker would have written, byte for byte.
 */
public final class TokenDatasetWriter implements AutoCloseable {
    /** Codes per file when nothing else is said: 128 MB as I16. */
    public static final int DEFAULT_CODES_PER_FILE = 1 << 26;

    private final StagedFolder folder;
    private final TokenDatasetInfo info;
    private final TokenPart part;
    private final int count;
    private final int rowsPerFile;
    private final int files;
    private final int[] codes;
    private final int[] labels;
    private int rows;
    private int written;
    private int filesWritten;

    /**
     * Prepares to write a whole set.
     *
     * @param folder where to put the set; one that is there is replaced in the end
     * @param count rows that will be added, at least 1 and a multiple of the info's crops
     * @param codesPerFile where to start a new file, at least one picture's codes
     */
    public TokenDatasetWriter(Path folder, TokenDatasetInfo info, int count, int codesPerFile) {
        this(folder, info, count, codesPerFile, Shard.ALL);
    }

    /**
     * Prepares to write one worker's share of a set.
     *
     * @param folder where to put the share; one that is there is replaced in the end
     * @param count rows of the whole set, at least 1 and a multiple of the info's crops; {@code shard.size(count)} will be added here
     * @param codesPerFile where to start a new file, at least one picture's codes; the same for all shares
     */
    public TokenDatasetWriter(Path folder, TokenDatasetInfo info, int count, int codesPerFile, Shard shard) {
        if (count < 1) {
            throw new IllegalArgumentException("count: " + count + " (expected at least 1)");
        }
        if (count % info.crops() != 0) {
            throw new IllegalArgumentException("count: " + count + " (expected a multiple of the " + info.crops()
                    + " crops of a picture)");
        }
        if (codesPerFile < info.length()) {
            throw new IllegalArgumentException("codesPerFile: " + codesPerFile + " (expected at least " + info.length()
                    + ", the codes of a picture)");
        }
        this.info = info;
        this.part = new TokenPart(shard, count, Math.min(count, codesPerFile / info.length()));
        this.count = shard.size(count);
        this.rowsPerFile = part.rowsPerFile();
        this.files = Math.max(1, Math.ceilDiv(this.count, rowsPerFile));
        this.codes = new int[Math.min(this.count, rowsPerFile) * info.length()];
        this.labels = new int[Math.min(this.count, rowsPerFile)];
        this.folder = StagedFolder.replacing(folder);
    }

    /**
     * Joins the shares of all workers. Share by share is read and written again, so this takes the memory of one file.
     *
     * @param parts a folder per share, in any order
     * @param folder where to put the set; one that is there is replaced in the end
     * @throws CheckpointException if a share is missing, there twice, damaged, or of another set
     */
    public static void merge(List<Path> parts, Path folder) {
        TokenParts.merge(parts, folder);
    }

    /**
     * Adds the next row: the next picture, or with crops the next picture's view.
     *
     * @param from array that holds its codes from {@code offset} on, each in [0, vocab). Not modified
     * @param label its class
     */
    public void add(int[] from, int offset, int label) {
        if (written + rows == count) {
            throw new IllegalStateException("codes: picture " + (count + 1) + " (expected " + count + ")");
        }
        if (label < 0 || label >= info.classNames().size()) {
            throw new IllegalArgumentException(
                    "label: " + label + " (expected 0 to " + (info.classNames().size() - 1) + ")");
        }
        for (int i = 0; i < info.length(); i++) {
            int code = from[offset + i];
            if (code < 0 || code >= info.vocab()) {
                throw new IllegalArgumentException("code: " + code + " (expected 0 to " + (info.vocab() - 1) + ")");
            }
            codes[rows * info.length() + i] = code;
        }
        labels[rows++] = label;
        if (rows == rowsPerFile) {
            writeFile();
        }
    }

    private void writeFile() {
        int[] rowCodes = Arrays.copyOf(codes, rows * info.length());
        int[] rowLabels = Arrays.copyOf(labels, rows);
        filesWritten++;
        new SafeTensorsWriter()
                .metadata(info.toMetadata())
                .metadata(part.toMetadata())
                .metadata(TokenShard.SHARD, filesWritten + "/" + files)
                .metadata(
                        TokenShard.SHA256,
                        new Fingerprint().add(rowCodes).add(rowLabels).toString())
                .ints(TokenShard.CODES, info.dtype(), Shape.of(rows, info.length()), () -> rowCodes)
                .ints(TokenShard.LABELS, DType.I32, Shape.of(rows), () -> rowLabels)
                .write(folder.folder().resolve(name(filesWritten, files)));
        written += rows;
        rows = 0;
    }

    private static String name(int file, int files) {
        return String.format(Locale.ROOT, "codes-%05d-of-%05d.safetensors", file, files);
    }

    /**
     * Writes what is left and puts the folder in place.
     *
     * @throws IllegalStateException if not all pictures were added
     */
    public void finish() {
        if (written + rows != count) {
            throw new IllegalStateException("codes: " + (written + rows) + " pictures (expected " + count + ")");
        }
        if (rows > 0 || count == 0) {
            writeFile();
        }
        folder.commit();
    }

    /** Removes what was written, if {@link #finish} was not reached. */
    @Override
    public void close() {
        folder.close();
    }
}
