package org.aimjvm.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.aimjvm.io.CheckpointException;

/**
 * Pictures as codes of a tokenizer, with labels: what stage 2 trains on. A folder of files named
 * {@code codes-00001-of-00003.safetensors}, or one such file; each holds {@code codes} (rows, length) as I16
 * (vocabularies up to 32768) or I32, {@code labels} (rows) as I32, and the {@link TokenDatasetInfo} as metadata. Files
 * are mapped, so the set may be larger than memory. Where the info says that a picture has several crops, row
 * {@code v * size + i} is crop v of picture i.
 */
public final class TokenDataset implements CodeSource {
    private final List<TokenShard> shards;
    private final int[] starts;
    private final TokenDatasetInfo info;
    private final String fingerprint;
    private final TokenPart part;

    private TokenDataset(List<TokenShard> shards, boolean share) {
        this.shards = shards;
        this.part = share ? shards.getFirst().part() : null;
        this.info = shards.getFirst().info();
        this.starts = new int[shards.size() + 1];
        Fingerprint print = new Fingerprint();
        for (int i = 0; i < shards.size(); i++) {
            TokenShard s = shards.get(i);
            String number = (i + 1) + "/" + shards.size();
            if (!s.metadata(TokenShard.SHARD).equals(number)) {
                throw new CheckpointException(s.path(), null, "shard " + s.metadata(TokenShard.SHARD) + ", expected "
                        + number + " (are all files there, and only those of one set?)");
            }
            if (!share && s.isPart()) {
                throw new CheckpointException(s.path(), null, "share " + s.part().shard()
                        + " of a set, expected a whole set (join the shares with TokenDatasetWriter.merge)");
            }
            if (share && !s.part().equals(part)) {
                throw new CheckpointException(s.path(), null, s.part() + ", expected " + part + " as in "
                        + shards.getFirst().path());
            }
            if (!s.info().equals(info)) {
                throw new CheckpointException(
                        s.path(), null, "of " + s.info() + ", expected " + info + " as in " + shards.getFirst().path());
            }
            starts[i + 1] = Math.addExact(starts[i], s.rows());
            print.add(s.metadata(TokenShard.SHA256));
        }
        if (!share) {
            requirePictures();
        }
        if (info.crops() != 1) { // rows alike, but drawn otherwise
            print.add("crops").add(new int[] {info.crops()});
        }
        this.fingerprint = print.toString();
    }

    private void requirePictures() {
        if (rows() == 0) {
            throw new CheckpointException(path(), null, "no pictures, expected at least one");
        }
        if (rows() % info.crops() != 0) {
            throw new CheckpointException(path(), null, rows() + " rows, expected a multiple of the " + info.crops()
                    + " crops of a picture");
        }
        for (int row = size(); row < rows(); row++) {
            if (rowLabel(row) != rowLabel(row % size())) {
                throw new CheckpointException(path(), TokenShard.LABELS, "label " + rowLabel(row) + " in row " + row
                        + ", expected " + rowLabel(row % size()) + " as of its picture's first crop");
            }
        }
    }

    /**
     * Opens a folder of code files, or a single file.
     *
     * @throws CheckpointException if files are missing, damaged or of different sets
     */
    public static TokenDataset open(Path path) {
        return open(path, false);
    }

    /**
     * Opens one worker's share of a set, which may be empty.
     *
     * @throws CheckpointException if it is no share, or files are missing, damaged or of different shares
     */
    static TokenDataset openPart(Path path) {
        return open(path, true);
    }

    private static TokenDataset open(Path path, boolean share) {
        List<TokenShard> shards = new ArrayList<>();
        boolean opened = false;
        try {
            for (Path file : files(path)) {
                shards.add(TokenShard.open(file));
            }
            TokenDataset set = new TokenDataset(shards, share);
            opened = true;
            return set;
        } finally {
            if (!opened) {
                shards.forEach(TokenShard::close);
            }
        }
    }

    private static List<Path> files(Path path) {
        if (!Files.isDirectory(path)) {
            return List.of(path);
        }
        try (Stream<Path> all = Files.list(path)) {
            List<Path> files = all.filter(p -> p.getFileName().toString().matches(
                    "codes-\\d{5}-of-\\d{5}\\.safetensors"))
                    .sorted()
                    .toList();
            if (files.isEmpty()) {
                throw new CheckpointException(path, null,
                        "no files codes-*.safetensors (expected a folder that TokenDatasetWriter has written)");
            }
            return files;
        } catch (IOException e) {
            throw new CheckpointException(path, null, "cannot be read: " + e.getMessage(), e);
        }
    }

    @Override
    public TokenDatasetInfo info() {
        return info;
    }

    /** Which share of a set this is; null for a whole one. */
    TokenPart part() {
        return part;
    }

    /** The first of the files. */
    Path path() {
        return shards.getFirst().path();
    }

    @Override
    public int size() {
        return rows() / info.crops();
    }

    /** Rows of all files: pictures times crops, or of a share what it holds. */
    int rows() {
        return starts[shards.size()];
    }

    @Override
    public int crops() {
        return info.crops();
    }

    @Override
    public int label(int index) {
        return rowLabel(picture(index));
    }

    int rowLabel(int row) {
        int shard = shard(row);
        return shards.get(shard).label(row - starts[shard]);
    }

    @Override
    public void read(int index, int crop, int[] out, int offset) {
        if (crop < 0 || crop >= crops()) {
            throw new IndexOutOfBoundsException("crop: " + crop + " (expected 0 to " + (crops() - 1) + ")");
        }
        readRow(crop * size() + picture(index), out, offset);
    }

    /**
     * Writes the codes of picture {@code index} (the first of its crops), row by row of the grid, into {@code out} from {@code offset} on.
     *
     * @throws CheckpointException if a code is not in the vocabulary
     */
    public void read(int index, int[] out, int offset) {
        read(index, 0, out, offset);
    }

    void readRow(int row, int[] out, int offset) {
        int shard = shard(row);
        shards.get(shard).read(row - starts[shard], out, offset);
    }

    /** Of the checksums in the files. */
    @Override
    public String fingerprint() {
        return fingerprint;
    }

    private int picture(int index) {
        if (index < 0 || index >= size()) {
            throw new IndexOutOfBoundsException("picture: " + index + " (expected 0 to " + (size() - 1) + ")");
        }
        return index;
    }

    private int shard(int row) {
        int shard = 0;
        while (row >= starts[shard + 1]) {
            shard++;
        }
        return shard;
    }

    @Override
    public void close() {
        shards.forEach(TokenShard::close);
    }
}
