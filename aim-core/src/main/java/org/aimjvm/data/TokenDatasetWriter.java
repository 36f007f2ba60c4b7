package org.aimjvm.data;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.AtomicFolder;
import org.aimjvm.io.SafeTensorsWriter;

/**
 * Writes a {@link TokenDataset} picture by picture, holding one file's codes in memory. The folder appears when {@link #finish}
 * is reached.
 */
public final class TokenDatasetWriter implements AutoCloseable {
    /** Codes a file when nothing else is said: 128 MB as I16. */
    public static final int DEFAULT_CODES_PER_FILE = 1 << 26;

    private final AtomicFolder folder;
    private final TokenDatasetInfo info;
    private final int count;
    private final int rowsPerFile;
    private final int files;
    private final int[] codes;
    private final int[] labels;
    private int rows;
    private int written;
    private int filesWritten;

    /**
     * @param folder where to put the set; one that is there is replaced in the end
     * @param count pictures that will be added, at least 1
     * @param codesPerFile where to start a new file, at least one picture's codes
     */
    public TokenDatasetWriter(Path folder, TokenDatasetInfo info, int count, int codesPerFile) {
        if (count < 1) {
            throw new IllegalArgumentException("count: " + count + " (expected at least 1)");
        }
        if (codesPerFile < info.length()) {
            throw new IllegalArgumentException("codesPerFile: " + codesPerFile + " (expected at least " + info.length()
                    + ", the codes of a picture)");
        }
        this.info = info;
        this.count = count;
        this.rowsPerFile = Math.min(count, codesPerFile / info.length());
        this.files = Math.ceilDiv(count, rowsPerFile);
        this.codes = new int[rowsPerFile * info.length()];
        this.labels = new int[rowsPerFile];
        this.folder = new AtomicFolder(folder);
    }

    /**
     * Adds the next picture.
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
                .metadata(TokenShard.SHARD, filesWritten + "/" + files)
                .metadata(
                        TokenShard.SHA256,
                        new Fingerprint().add(rowCodes).add(rowLabels).toString())
                .ints(TokenShard.CODES, info.dtype(), Shape.of(rows, info.length()), () -> rowCodes)
                .ints(TokenShard.LABELS, DType.I32, Shape.of(rows), () -> rowLabels)
                .write(folder.folder()
                        .resolve(String.format(Locale.ROOT, "codes-%05d-of-%05d.safetensors", filesWritten, files)));
        written += rows;
        rows = 0;
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
        if (rows > 0) {
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
