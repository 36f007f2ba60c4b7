package org.aimjvm.io;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A JSON object from a file that may be wrong: typed access whose errors name the key, what is there and what was expected.
 * A key that is missing or {@code null} takes the given default.
 */
public final class JsonObject {
    /** A configuration is a page of text, nested a few deep; more is an attack. */
    private static final int MAX_DEPTH = 16;

    private static final int MAX_CHARACTERS = 1 << 22;

    private final JsonNode node;
    private final String path;

    private JsonObject(JsonNode node, String path) {
        this.node = node;
        this.path = path;
    }

    /**
     * Parses a file's text.
     *
     * @param where the file, for messages
     * @throws CheckpointException if it is not a JSON object, too large or too deep, has a duplicate key, NaN or Infinity
     */
    public static JsonObject parse(String json, Path where) {
        if (json.length() > MAX_CHARACTERS) {
            throw new CheckpointException(where, null,
                    json.length() + " characters, expected at most " + MAX_CHARACTERS);
        }
        JsonFactory factory = JsonFactory.builder()
                .streamReadConstraints(
                        StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH).build())
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .build();
        try {
            JsonNode tree = new JsonMapper(factory).readTree(json);
            if (tree == null || !tree.isObject()) {
                throw new CheckpointException(where, null, "not a JSON object");
            }
            return new JsonObject(tree, "");
        } catch (JacksonException e) {
            throw new CheckpointException(where, null, "not JSON: " + e.getOriginalMessage(), e);
        }
    }

    /** Whether the key is there and not {@code null}. */
    public boolean has(String key) {
        return node.get(key) != null && !node.get(key).isNull();
    }

    /** Whether the key holds an object. */
    public boolean hasObject(String key) {
        return has(key) && node.get(key).isObject();
    }

    /** Whether the key holds a text. */
    public boolean hasText(String key) {
        return has(key) && node.get(key).isString();
    }

    /**
     * The object under {@code key}.
     *
     * @throws IllegalArgumentException if there is none
     */
    public JsonObject object(String key) {
        if (!hasObject(key)) {
            throw wrong(key, "an object");
        }
        return new JsonObject(node.get(key), path + key + ".");
    }

    /** A whole number of 32 bits. */
    public int integer(String key, int missing) {
        if (!has(key)) {
            return missing;
        }
        if (!node.get(key).isInt()) {
            throw wrong(key, "a whole number");
        }
        return node.get(key).intValue();
    }

    /** A whole number of 64 bits. */
    public long longInteger(String key, long missing) {
        if (!has(key)) {
            return missing;
        }
        if (!node.get(key).isInt() && !node.get(key).isLong()) {
            throw wrong(key, "a whole number");
        }
        return node.get(key).longValue();
    }

    /** A number that a double can hold. */
    public double number(String key, double missing) {
        return has(key) ? finite(key, node.get(key), Double.MAX_VALUE, "a number") : missing;
    }

    /** A number that a float can hold, rounded to the nearest one. */
    public float floatNumber(String key, float missing) {
        return has(key) ? (float) finite(key, node.get(key), Float.MAX_VALUE, "a number of 32 bits") : missing;
    }

    private double finite(String key, JsonNode v, double max, String expected) {
        if (!v.isNumber()) {
            throw wrong(key, expected);
        }
        double value;
        try {
            value = v.doubleValue();
        } catch (JacksonException _) { // beyond the range of a double
            throw wrong(key, expected);
        }
        if (!(Math.abs(value) <= max)) {
            throw wrong(key, expected);
        }
        return value;
    }

    /** True or false. */
    public boolean bool(String key, boolean missing) {
        if (!has(key)) {
            return missing;
        }
        if (!node.get(key).isBoolean()) {
            throw wrong(key, "true or false");
        }
        return node.get(key).booleanValue();
    }

    /** A text. */
    public String text(String key, String missing) {
        if (!has(key)) {
            return missing;
        }
        if (!node.get(key).isString()) {
            throw wrong(key, "a text");
        }
        return node.get(key).stringValue();
    }

    /** A list of whole numbers. */
    public List<Integer> integers(String key, List<Integer> missing) {
        if (!has(key)) {
            return missing;
        }
        List<Integer> values = new ArrayList<>();
        if (!node.get(key).isArray()) {
            throw wrong(key, "a list of whole numbers");
        }
        for (JsonNode v : node.get(key)) {
            if (!v.isInt()) {
                throw wrong(key, "a list of whole numbers");
            }
            values.add(v.intValue());
        }
        return values;
    }

    /** A list of texts. */
    public List<String> texts(String key, List<String> missing) {
        if (!has(key)) {
            return missing;
        }
        List<String> values = new ArrayList<>();
        if (!node.get(key).isArray()) {
            throw wrong(key, "a list of texts");
        }
        for (JsonNode v : node.get(key)) {
            if (!v.isString()) {
                throw wrong(key, "a list of texts");
            }
            values.add(v.stringValue());
        }
        return values;
    }

    /**
     * Two numbers; the text "inf" as the second, or a number of at least {@link Float#MAX_VALUE}, stands for no upper limit,
     * which JSON has no number for.
     */
    public double[] range(String key, double low, double high) {
        if (!has(key)) {
            return new double[] {low, high};
        }
        String expected = "[low, high], high a number or \"inf\"";
        JsonNode v = node.get(key);
        if (!v.isArray() || v.size() != 2) {
            throw wrong(key, expected);
        }
        JsonNode upper = v.get(1);
        boolean unlimited = upper.isString() && upper.stringValue().equals("inf");
        double first = finite(key, v.get(0), Double.MAX_VALUE, expected);
        double second = unlimited ? Double.POSITIVE_INFINITY : finite(key, upper, Double.MAX_VALUE, expected);
        return new double[] {first, second >= Float.MAX_VALUE ? Double.POSITIVE_INFINITY : second};
    }

    /**
     * Fails if a key is none of {@code known}: for objects in which an argument that is not understood changes the
     * mathematics.
     */
    public void onlyKnown(Set<String> known) {
        for (String key : node.propertyNames()) {
            if (!known.contains(key)) {
                throw new IllegalArgumentException(path + key + ": unknown argument (expected one of " + known + ")");
            }
        }
    }

    private IllegalArgumentException wrong(String key, String expected) {
        String got = String.valueOf(node.get(key));
        return new IllegalArgumentException(
                path + key + ": " + (got.length() > 80 ? got.substring(0, 80) + "..." : got) + " (expected " + expected
                        + ")");
    }
}
