package org.aimjvm.io;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A JSON object from a file that may be wrong: typed access whose errors name the key, what is there and what was
 * expected. A key that is missing or {@code null} takes the given default.
 */
public final class JsonObject {
    /** A configuration is a page of text, nested a few deep; more is an attack. */
    private static final int MAX_DEPTH = 16;

    private static final int MAX_CHARACTERS = 1 << 22;

    /** A number as it is written. */
    private record Numeral(String text, boolean whole) {
        @Override
        public String toString() {
            return text;
        }
    }

    /** Objects are maps, lists lists, numbers {@link Numeral}s; {@code null} is a key that is not there. */
    private final Map<String, Object> members;
    private final String path;

    private JsonObject(Map<String, Object> members, String path) {
        this.members = members;
        this.path = path;
    }

    /**
     * Parses a file's text.
     *
     * @param where the file, for messages
     * @throws CheckpointException if it is not a JSON object, too large or too deep, has a duplicate key, NaN or
     *     Infinity
     */
    public static JsonObject parse(String json, Path where) {
        if (json.length() > MAX_CHARACTERS) {
            throw new CheckpointException(where, null,
                    json.length() + " characters, expected at most " + MAX_CHARACTERS);
        }
        JsonReader reader = new JsonReader(json, MAX_DEPTH);
        try {
            if (reader.next() != JsonReader.Token.START_OBJECT) {
                throw new CheckpointException(where, null, "not a JSON object");
            }
            Map<String, Object> members = members(reader);
            reader.next(); // fails unless this is the end
            return new JsonObject(members, "");
        } catch (JsonReader.MalformedException e) {
            throw new CheckpointException(where, null, "not JSON: " + e.getMessage(), e);
        }
    }

    private static Map<String, Object> members(JsonReader reader) {
        Map<String, Object> members = new LinkedHashMap<>();
        while (reader.next() == JsonReader.Token.NAME) {
            String key = reader.text();
            if (members.containsKey(key)) {
                throw new JsonReader.MalformedException("key " + CheckpointException.shorten(key) + " occurs twice");
            }
            reader.next();
            members.put(key, value(reader));
        }
        return members;
    }

    /** The value that the reader is at. */
    private static Object value(JsonReader reader) {
        return switch (reader.token()) {
            case START_OBJECT -> members(reader);
            case START_ARRAY -> {
                List<Object> list = new ArrayList<>();
                while (reader.next() != JsonReader.Token.END_ARRAY) {
                    list.add(value(reader));
                }
                yield list;
            }
            case STRING -> reader.text();
            case WHOLE -> new Numeral(reader.text(), true);
            case FRACTION -> new Numeral(reader.text(), false);
            case TRUE -> true;
            case FALSE -> false;
            case NULL -> null;
            case END_OBJECT, END_ARRAY, NAME, END -> throw new AssertionError(reader.token());
        };
    }

    /** Whether the key is there and not {@code null}. */
    public boolean has(String key) {
        return members.get(key) != null;
    }

    /** Whether the key holds an object. */
    public boolean hasObject(String key) {
        return members.get(key) instanceof Map;
    }

    /** Whether the key holds a text. */
    public boolean hasText(String key) {
        return members.get(key) instanceof String;
    }

    /**
     * The object under {@code key}.
     *
     * @throws IllegalArgumentException if there is none
     */
    @SuppressWarnings("unchecked") // made by members()
    public JsonObject object(String key) {
        if (!hasObject(key)) {
            throw wrong(key, "an object");
        }
        return new JsonObject((Map<String, Object>) members.get(key), path + key + ".");
    }

    /** A whole number of 32 bits. */
    public int integer(String key, int missing) {
        return has(key) ? whole(key, members.get(key), "a whole number") : missing;
    }

    private int whole(String key, Object value, String expected) {
        if (value instanceof Numeral n && n.whole) {
            try {
                return Integer.parseInt(n.text);
            } catch (NumberFormatException _) { // beyond 32 bits
                throw wrong(key, expected);
            }
        }
        throw wrong(key, expected);
    }

    /** A number that a double can hold. */
    public double number(String key, double missing) {
        return has(key) ? finite(key, members.get(key), Double.MAX_VALUE, "a number") : missing;
    }

    /** A number that a float can hold, rounded to the nearest one. */
    public float floatNumber(String key, float missing) {
        return has(key) ? (float) finite(key, members.get(key), Float.MAX_VALUE, "a number of 32 bits") : missing;
    }

    private double finite(String key, Object value, double max, String expected) {
        double number = value instanceof Numeral n ? Double.parseDouble(n.text) : Double.NaN;
        if (!(Math.abs(number) <= max)) {
            throw wrong(key, expected);
        }
        return number;
    }

    /** True or false. */
    public boolean bool(String key, boolean missing) {
        if (!has(key)) {
            return missing;
        }
        if (members.get(key) instanceof Boolean b) {
            return b;
        }
        throw wrong(key, "true or false");
    }

    /** A text. */
    public String text(String key, String missing) {
        if (!has(key)) {
            return missing;
        }
        if (members.get(key) instanceof String s) {
            return s;
        }
        throw wrong(key, "a text");
    }

    /** A list of whole numbers. */
    public List<Integer> integers(String key, List<Integer> missing) {
        if (!has(key)) {
            return missing;
        }
        String expected = "a list of whole numbers";
        List<Integer> values = new ArrayList<>();
        for (Object v : list(key, expected)) {
            values.add(whole(key, v, expected));
        }
        return values;
    }

    /** A list of texts. */
    public List<String> texts(String key, List<String> missing) {
        if (!has(key)) {
            return missing;
        }
        String expected = "a list of texts";
        List<String> values = new ArrayList<>();
        for (Object v : list(key, expected)) {
            if (!(v instanceof String s)) {
                throw wrong(key, expected);
            }
            values.add(s);
        }
        return values;
    }

    /**
     * All members of an object whose values are texts, in order.
     *
     * @throws IllegalArgumentException if a value is anything else
     */
    public Map<String, String> textsByKey() {
        Map<String, String> texts = new LinkedHashMap<>();
        members.keySet().forEach(key -> {
            if (!(members.get(key) instanceof String s)) {
                throw wrong(key, "a text");
            }
            texts.put(key, s);
        });
        return texts;
    }

    /** Names of the members, in order. */
    public Set<String> keys() {
        return Collections.unmodifiableSet(members.keySet());
    }

    /**
     * A list of objects.
     *
     * @throws IllegalArgumentException if an element is anything else
     */
    @SuppressWarnings("unchecked") // made by members()
    public List<JsonObject> objects(String key) {
        List<JsonObject> objects = new ArrayList<>();
        if (has(key)) {
            String expected = "a list of objects";
            for (Object v : list(key, expected)) {
                if (!(v instanceof Map)) {
                    throw wrong(key, expected);
                }
                objects.add(new JsonObject((Map<String, Object>) v, path + key + "[" + objects.size() + "]."));
            }
        }
        return objects;
    }

    /**
     * A value of any of these types: {@link Boolean}, {@link Long}, {@link Double}, {@link String}, a list of texts.
     *
     * @throws IllegalArgumentException if it is anything else
     */
    public Object plain(String key) {
        String expected = "true, false, a number, a text or a list of texts";
        Object value = members.get(key);
        if (value instanceof List) {
            return texts(key, List.of());
        }
        if (value instanceof Numeral n && n.whole) {
            try {
                return Long.valueOf(n.text);
            } catch (NumberFormatException _) { // beyond 64 bits
                throw wrong(key, expected);
            }
        }
        if (value instanceof Numeral) {
            return finite(key, value, Double.MAX_VALUE, expected);
        }
        if (value instanceof Boolean || value instanceof String) {
            return value;
        }
        throw wrong(key, expected);
    }

    private List<?> list(String key, String expected) {
        if (members.get(key) instanceof List<?> list) {
            return list;
        }
        throw wrong(key, expected);
    }

    /**
     * Two numbers; the text "inf" as the second, or a number of at least {@link Float#MAX_VALUE}, stands for no upper
     * limit, which JSON has no number for.
     */
    public double[] range(String key, double low, double high) {
        if (!has(key)) {
            return new double[] {low, high};
        }
        String expected = "[low, high], high a number or \"inf\"";
        List<?> v = list(key, expected);
        if (v.size() != 2) {
            throw wrong(key, expected);
        }
        double first = finite(key, v.get(0), Double.MAX_VALUE, expected);
        double second = "inf".equals(v.get(1))
                ? Double.POSITIVE_INFINITY
                : finite(key, v.get(1), Double.MAX_VALUE, expected);
        return new double[] {first, second >= Float.MAX_VALUE ? Double.POSITIVE_INFINITY : second};
    }

    /**
     * Fails if a key is none of {@code known}: for objects in which an argument that is not understood changes the
     * mathematics.
     */
    public void onlyKnown(Set<String> known) {
        for (String key : members.keySet()) {
            if (!known.contains(key)) {
                throw new IllegalArgumentException(path + key + ": unknown argument (expected one of " + known + ")");
            }
        }
    }

    private IllegalArgumentException wrong(String key, String expected) {
        String got = json(members.get(key));
        String shown = got.length() > 80 ? got.substring(0, 80) + "..." : got;
        return new IllegalArgumentException(
                path + key + ": " + CheckpointException.shorten(shown) + " (expected " + expected + ")");
    }

    /** A value as JSON without spaces, for messages: what quotes and escapes there were in a text is not restored. */
    private static String json(Object value) {
        StringBuilder s = new StringBuilder();
        switch (value) {
            case String text -> s.append('"').append(text).append('"');
            case List<?> list -> {
                for (Object v : list) {
                    s.append(s.isEmpty() ? '[' : ',').append(json(v));
                }
                s.append(list.isEmpty() ? "[]" : "]");
            }
            case Map<?, ?> map -> {
                map.forEach((k, v) -> s.append(s.isEmpty() ? '{' : ',').append('"').append(k).append("\":")
                        .append(json(v)));
                s.append(map.isEmpty() ? "{}" : "}");
            }
            case null, default -> s.append(value);
        }
        return s.toString();
    }
}
