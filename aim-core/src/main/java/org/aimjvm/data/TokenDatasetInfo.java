package org.aimjvm.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.aimjvm.backend.DType;
import org.aimjvm.io.CheckpointException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * The origin of a set of codes, kept in the metadata of each of its files.
 *
 * @param gridHeight rows of codes of a picture
 * @param gridWidth columns of codes of a picture
 * @param vocab codes are in [0, vocab)
 * @param classNames names by label
 * @param source fingerprint of the pictures; empty if not known
 * @param tokenizer fingerprint of the tokenizer's parameters; empty if not known
 * @param crops rows of a picture, at least 1: row {@code v * pictures + i} is view v of picture i
 */
public record TokenDatasetInfo(
        int gridHeight, int gridWidth, int vocab, List<String> classNames, String source, String tokenizer,
        int crops) {
    private static final String FORMAT = "aim-codes-1";
    private static final String CROPS = "crops";

    public TokenDatasetInfo {
        require(gridHeight >= 1, "gridHeight", gridHeight);
        require(gridWidth >= 1, "gridWidth", gridWidth);
        require(vocab >= 1, "vocab", vocab);
        require(crops >= 1, "crops", crops);
        require(!classNames.isEmpty(), "classes", 0);
        classNames = List.copyOf(classNames);
    }

    /** Of a set with one row per picture. */
    public TokenDatasetInfo(
            int gridHeight, int gridWidth, int vocab, List<String> classNames, String source, String tokenizer) {
        this(gridHeight, gridWidth, vocab, classNames, source, tokenizer, 1);
    }

    private static void require(boolean ok, String name, int value) {
        if (!ok) {
            throw new IllegalArgumentException(name + ": " + value + " (expected at least 1)");
        }
    }

    /** Codes of a picture: gridHeight times gridWidth. */
    public int length() {
        return gridHeight * gridWidth;
    }

    /** I16 where the vocabulary allows, else I32. */
    DType dtype() {
        return vocab <= 1 << 15 ? DType.I16 : DType.I32;
    }

    Map<String, String> toMetadata() {
        Map<String, String> m = new TreeMap<>();
        m.put("format", FORMAT);
        m.put("grid", gridHeight + "x" + gridWidth);
        m.put("vocab", Integer.toString(vocab));
        m.put("classes", JsonMapper.shared().writeValueAsString(classNames));
        m.put("source", source);
        m.put("tokenizer", tokenizer);
        if (crops != 1) { // else nothing is said, as in sets of earlier versions
            m.put(CROPS, Integer.toString(crops));
        }
        return m;
    }

    /** @throws CheckpointException if the metadata are not those of a set of codes */
    static TokenDatasetInfo parse(Path path, Map<String, String> m) {
        if (!FORMAT.equals(m.get("format"))) {
            throw new CheckpointException(path, null, "metadata format: " + m.get("format") + ", expected " + FORMAT
                    + " (expected a set of codes that TokenDatasetWriter has written)");
        }
        try {
            String[] grid = text(path, m, "grid").split("x", 2);
            return new TokenDatasetInfo(
                    Integer.parseInt(grid[0]),
                    Integer.parseInt(grid.length == 2 ? grid[1] : ""),
                    Integer.parseInt(text(path, m, "vocab")),
                    List.of(JsonMapper.shared().readValue(text(path, m, "classes"), String[].class)),
                    text(path, m, "source"),
                    text(path, m, "tokenizer"),
                    Integer.parseInt(m.getOrDefault(CROPS, "1")));
        } catch (IllegalArgumentException | NullPointerException | JacksonException e) {
            throw new CheckpointException(path, null, "metadata of codes: " + e.getMessage(), e);
        }
    }

    static String text(Path path, Map<String, String> m, String key) {
        String value = m.get(key);
        if (value == null) {
            throw new CheckpointException(path, null, "metadata " + key + ": missing");
        }
        return value;
    }
}
