package org.aimjvm.io;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aimjvm.tensor.DType;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;

/**
 * The JSON header of a safetensors file, read strictly: every tensor has exactly the three known fields, and the data
 * ranges cover the data section from first to last byte without gap or overlap.
 */
final class SafeTensorsHeader {
    static final String METADATA = "__metadata__";
    /** Limit of the format's own reader; a full-size model's header is about 100 KB. */
    static final int MAX_BYTES = 100_000_000;

    private static final int MAX_RANK = 64;
    private static final int MAX_DEPTH = 8;

    /** A tensor and where its bytes start, counted from the end of the header. */
    record Entry(TensorInfo info, long begin) {}

    private final Path path;
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();

    private SafeTensorsHeader(Path path) {
        this.path = path;
    }

    Map<String, Entry> entries() {
        return Collections.unmodifiableMap(entries);
    }

    Map<String, String> metadata() {
        return Collections.unmodifiableMap(metadata);
    }

    /**
     * @param json the header, without the length in front; not modified
     * @param dataBytes bytes of the file after the header
     * @throws CheckpointException if the header is not valid or does not fit {@code dataBytes}
     */
    static SafeTensorsHeader parse(Path path, byte[] json, long dataBytes) {
        SafeTensorsHeader header = new SafeTensorsHeader(path);
        try (JsonParser parser = factory().createParser(ObjectReadContext.empty(), utf8(json))) {
            header.read(parser);
        } catch (CharacterCodingException e) {
            throw new CheckpointException(path, null, "header is not valid UTF-8", e);
        } catch (JacksonException e) {
            throw new CheckpointException(path, null, "header is not valid JSON: " + e.getOriginalMessage(), e);
        }
        header.checkCoverage(dataBytes);
        return header;
    }

    /** Decodes strictly; the JSON library's own decoder may put replacement characters into names. */
    private static String utf8(byte[] json) throws CharacterCodingException {
        return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json)).toString();
    }

    private static JsonFactory factory() {
        return JsonFactory.builder()
                // No symbol table: names of a hostile file would fill it and each name occurs once anyway.
                .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
                .streamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(MAX_DEPTH)
                        .maxNumberLength(20)
                        .build())
                .build();
    }

    private void read(JsonParser parser) {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw problem(null, "header: expected a JSON object");
        }
        boolean metadataSeen = false;
        for (String name; (name = nextField(parser, null)) != null;) {
            if (name.equals(METADATA)) {
                if (metadataSeen) {
                    throw problem(null, "header: " + METADATA + " occurs twice");
                }
                metadataSeen = true;
                readMetadata(parser);
            } else {
                Entry entry = readEntry(parser, name);
                if (entries.put(name, entry) != null) {
                    throw problem(name, "occurs twice in the header");
                }
            }
        }
        if (parser.nextToken() != null) {
            throw problem(null, "header: text after the JSON object, expected only spaces");
        }
    }

    private void readMetadata(JsonParser parser) {
        expect(parser, JsonToken.START_OBJECT, null, METADATA);
        for (String key; (key = nextField(parser, null)) != null;) {
            expect(parser, JsonToken.VALUE_STRING, null, METADATA + " value of " + CheckpointException.shorten(key));
            if (metadata.put(key, parser.getString()) != null) {
                throw problem(null, METADATA + " key " + CheckpointException.shorten(key) + " occurs twice");
            }
        }
    }

    private Entry readEntry(JsonParser parser, String name) {
        expect(parser, JsonToken.START_OBJECT, name, "header entry");
        DType dtype = null;
        long[] dims = null;
        long[] offsets = null;
        for (String field; (field = nextField(parser, name)) != null;) {
            switch (field) {
                case "dtype" -> {
                    requireFirst(dtype, name, field);
                    expect(parser, JsonToken.VALUE_STRING, name, field);
                    dtype = dtype(name, parser.getString());
                }
                case "shape" -> {
                    requireFirst(dims, name, field);
                    dims = readLongs(parser, name, field, MAX_RANK);
                }
                case "data_offsets" -> {
                    requireFirst(offsets, name, field);
                    offsets = readLongs(parser, name, field, 2);
                }
                default ->
                        throw problem(
                                name,
                                "unknown header field " + CheckpointException.shorten(field)
                                        + ", expected dtype, shape and data_offsets");
            }
        }
        if (dtype == null || dims == null || offsets == null || offsets.length != 2) {
            throw problem(name, "incomplete header entry, expected dtype, shape and two data_offsets");
        }
        TensorInfo info = new TensorInfo(name, dtype, FileShapes.of(path, name, dims));
        long begin = offsets[0];
        long end = offsets[1];
        if (begin < 0 || end < begin || end - begin != info.bytes()) {
            throw problem(
                    name,
                    "data_offsets " + Arrays.toString(offsets) + ", expected " + info.bytes() + " bytes for "
                            + TensorBytes.describe(info));
        }
        return new Entry(info, begin);
    }

    private void requireFirst(Object before, String name, String field) {
        if (before != null) {
            throw problem(name, field + " occurs twice");
        }
    }

    private DType dtype(String name, String text) {
        for (DType t : DType.values()) {
            if (t.name().equals(text)) {
                return t;
            }
        }
        throw problem(
                name,
                "type " + CheckpointException.shorten(text) + ", expected one of " + Arrays.toString(DType.values()));
    }

    private long[] readLongs(JsonParser parser, String name, String field, int max) {
        expect(parser, JsonToken.START_ARRAY, name, field);
        long[] values = new long[max];
        int n = 0;
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT || n == max) {
                throw problem(name, field + ": expected at most " + max + " integers");
            }
            values[n++] = parser.getLongValue();
        }
        return Arrays.copyOf(values, n);
    }

    private String nextField(JsonParser parser, String name) {
        JsonToken token = parser.nextToken();
        if (token == JsonToken.PROPERTY_NAME) {
            return parser.currentName();
        }
        if (token != JsonToken.END_OBJECT) {
            throw problem(name, "header ends within an object");
        }
        return null;
    }

    private void expect(JsonParser parser, JsonToken token, String name, String what) {
        JsonToken got = parser.nextToken();
        if (got != token) {
            throw problem(name, what + ": " + got + ", expected " + token);
        }
    }

    private void checkCoverage(long dataBytes) {
        List<Entry> byOffset = new ArrayList<>(entries.values());
        byOffset.sort(Comparator.comparingLong(Entry::begin)
                .thenComparingLong(e -> e.info().bytes()));
        long position = 0;
        for (Entry e : byOffset) {
            if (e.begin() != position) {
                throw problem(
                        e.info().name(),
                        "data starts at " + e.begin() + ", expected " + position
                                + " (tensors must follow each other without gap or overlap)");
            }
            position += e.info().bytes();
            if (position > dataBytes) {
                throw problem(
                        e.info().name(),
                        "data ends at " + position + ", but the file has only " + dataBytes
                                + " bytes of data (is it complete?)");
            }
        }
        if (position != dataBytes) {
            throw problem(
                    null, "the tensors end at " + position + ", expected the end of the data, " + dataBytes);
        }
    }

    private CheckpointException problem(String tensor, String problem) {
        return new CheckpointException(path, tensor, problem);
    }
}
