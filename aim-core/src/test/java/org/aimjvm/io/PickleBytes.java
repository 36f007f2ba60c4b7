package org.aimjvm.io;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Builds pickles and the containers around them, one opcode after the other; characters are bytes. */
final class PickleBytes {
    static final Path PATH = Path.of("some.pt");
    /** The opcodes before and after the arguments of a tensor. */
    static final String REBUILD = "ctorch._utils\n_rebuild_tensor_v2\n(";

    static final String NO_HOOKS = "\u0089ccollections\nOrderedDict\n)R";

    private PickleBytes() {}

    /** A protocol 2 pickle. */
    static byte[] pickle(String opcodes) {
        return ("\u0080\u0002" + opcodes + ".").getBytes(StandardCharsets.ISO_8859_1);
    }

    static String text(String s) {
        return "X" + i32(s.length()).substring(1) + s;
    }

    static String i32(int i) {
        byte[] b = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(i).array();
        return "J" + new String(b, StandardCharsets.ISO_8859_1);
    }

    static String i64(long i) {
        byte[] b = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(i).array();
        return "\u008a\u0008" + new String(b, StandardCharsets.ISO_8859_1);
    }

    static String longs(long... values) {
        StringBuilder s = new StringBuilder("(");
        for (long v : values) {
            s.append(i64(v));
        }
        return s.append('t').toString();
    }

    static String storage(String type, String key, long size) {
        return storage(type, key, size, "cpu");
    }

    /** A storage that was on another device when it was saved. */
    static String storage(String type, String key, long size, String device) {
        return "(" + text("storage") + "ctorch\n" + type + "\n" + text(key) + text(device) + i64(size) + "tQ";
    }

    static String tensor(String storage, long offset, long[] dims, long[] strides) {
        return REBUILD + storage + i64(offset) + longs(dims) + longs(strides) + NO_HOOKS + "tR";
    }

    /** A dict with a single entry. */
    static String dict(String key, String value) {
        return "}" + text(key) + value + "s";
    }

    static TorchPickle read(String opcodes, Map<String, byte[]> storages) {
        return TorchPickle.of(PATH, MemorySegment.ofArray(zip(pickle(opcodes), storages, true)));
    }

    static byte[] zip(byte[] pickle, Map<String, byte[]> storages, boolean stored) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream out = new ZipOutputStream(bytes)) {
            entry(out, "archive/data.pkl", pickle, stored);
            for (Map.Entry<String, byte[]> e : storages.entrySet()) {
                entry(out, "archive/data/" + e.getKey(), e.getValue(), stored);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static void entry(ZipOutputStream out, String name, byte[] content, boolean stored) throws IOException {
        ZipEntry entry = new ZipEntry(name);
        if (stored) {
            CRC32 crc = new CRC32();
            crc.update(content);
            entry.setMethod(ZipEntry.STORED);
            entry.setSize(content.length);
            entry.setCrc(crc.getValue());
        }
        out.putNextEntry(entry);
        out.write(content);
    }
}
