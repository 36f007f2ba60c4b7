package org.aimjvm.io;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aimjvm.backend.DType;
import org.aimjvm.io.JsonReader.Token;

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
        try {
            header.read(new JsonReader(utf8(json), MAX_DEPTH));
        } catch (CharacterCodingException e) {
            throw new CheckpointException(path, null, "header is not valid UTF-8", e);
        } catch (JsonReader.MalformedException e) {
            throw new CheckpointException(path, null, "header is not valid JSON: " + e.getMessage(), e);
        }
        header.checkCoverage(dataBytes);
        return header;
    }

    /** Decodes strictly, with no replacement characters in names. */
    private static String utf8(byte[] json) throws CharacterCodingException {
        return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json)).toString();
    }

    private void read(JsonReader reader) {
        if (reader.next() != Token.START_OBJECT) {
            throw problem(null, "header: expected a JSON object");
        }
        boolean metadataSeen = false;
        for (String name; (name = nextField(reader, null)) != null;) {
            if (name.equals(METADATA)) {
                if (metadataSeen) {
                    throw problem(null, "header: " + METADATA + " occurs twice");
                }
                metadataSeen = true;
                readMetadata(reader);
            } else {
                Entry entry = readEntry(reader, name);
                if (entries.put(name, entry) != null) {
                    throw problem(name, "occurs twice in the header");
                }
            }
        }
        reader.next(); // fails unless this is the end
    }

    private void readMetadata(JsonReader reader) {
        Token start = reader.next();
        if (start == Token.NULL) { // some writers put null for none
            return;
        }
        if (start != Token.START_OBJECT) {
            throw problem(null, METADATA + ": " + start + ", expected " + Token.START_OBJECT);
        }
        for (String key; (key = nextField(reader, null)) != null;) {
            expect(reader, Token.STRING, null, METADATA + " value of " + CheckpointException.shorten(key));
            if (metadata.put(key, reader.text()) != null) {
                throw problem(null, METADATA + " key " + CheckpointException.shorten(key) + " occurs twice");
            }
        }
    }

    private Entry readEntry(JsonReader reader, String name) {
        expect(reader, Token.START_OBJECT, name, "header entry");
        DType dtype = null;
        long[] dims = null;
        long[] offsets = null;
        for (String field; (field = nextField(reader, name)) != null;) {
            switch (field) {
                case "dtype" -> {
                    requireFirst(dtype, name, field);
                    expect(reader, Token.STRING, name, field);
                    dtype = dtype(name, reader.text());
                }
                case "shape" -> {
                    requireFirst(dims, name, field);
                    dims = readLongs(reader, name, field, MAX_RANK);
                }
                case "data_offsets" -> {
                    requireFirst(offsets, name, field);
                    offsets = readLongs(reader, name, field, 2);
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

    private long[] readLongs(JsonReader reader, String name, String field, int max) {
        expect(reader, Token.START_ARRAY, name, field);
        long[] values = new long[max];
        int n = 0;
        while (reader.next() != Token.END_ARRAY) {
            if (reader.token() != Token.WHOLE || n == max) {
                throw problem(name, field + ": expected at most " + max + " integers");
            }
            values[n++] = reader.longValue();
        }
        return Arrays.copyOf(values, n);
    }

    private String nextField(JsonReader reader, String name) {
        Token token = reader.next();
        if (token == Token.NAME) {
            return reader.text();
        }
        if (token != Token.END_OBJECT) {
            throw problem(name, "header ends within an object");
        }
        return null;
    }

    private void expect(JsonReader reader, Token token, String name, String what) {
        Token got = reader.next();
        if (got != token) {
            throw problem(name, what + ": " + got + ", expected " + token);
        }
    }

    private void checkCoverage(long dataBytes) {
        List<Entry> byOffset = new ArrayList<>(entries.values());
        byOffset.sort((a, b) -> a.begin() != b.begin()
                ? Long.compare(a.begin(), b.begin())
                : Long.compare(a.info().bytes(), b.info().bytes()));
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
