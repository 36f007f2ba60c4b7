package org.aimjvm.data;

import java.nio.file.Path;
import java.util.Map;
import org.aimjvm.io.CheckpointException;

/**
 * Which share of a set of codes a folder holds, kept in the metadata of each of its files; a whole set says nothing.
 *
 * @param shard which share
 * @param count pictures of the whole set
 * @param rowsPerFile pictures per file of the whole set
 */
record TokenPart(Shard shard, int count, int rowsPerFile) {
    private static final String PART = "part";
    private static final String COUNT = "part_count";
    private static final String ROWS_PER_FILE = "part_rows_per_file";

    Map<String, String> toMetadata() {
        if (shard.equals(Shard.ALL)) {
            return Map.of();
        }
        return Map.of(PART, shard.toString(), COUNT, Integer.toString(count), ROWS_PER_FILE, Integer.toString(
                rowsPerFile));
    }

    static boolean isThere(Map<String, String> metadata) {
        return metadata.containsKey(PART);
    }

    /** @throws CheckpointException if the metadata are not those of a share */
    static TokenPart parse(Path path, Map<String, String> metadata) {
        String text = TokenDatasetInfo.text(path, metadata, PART);
        try {
            int slash = text.indexOf('/');
            Shard shard = new Shard(
                    Integer.parseInt(text.substring(0, Math.max(0, slash))) - 1,
                    Integer.parseInt(text.substring(slash + 1)));
            TokenPart part = new TokenPart(
                    shard,
                    Integer.parseInt(TokenDatasetInfo.text(path, metadata, COUNT)),
                    Integer.parseInt(TokenDatasetInfo.text(path, metadata, ROWS_PER_FILE)));
            if (part.count < 1 || part.rowsPerFile < 1 || part.rowsPerFile > part.count) {
                throw new CheckpointException(path, null,
                        "metadata of a share: " + part.rowsPerFile + " of " + part.count
                                + " pictures in a file, expected at least 1 of 1");
            }
            return part;
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(path, null, "metadata of a share: " + e.getMessage(), e);
        }
    }

    @Override
    public String toString() {
        return "share " + shard + " of " + count + " pictures, " + rowsPerFile + " per file";
    }
}
