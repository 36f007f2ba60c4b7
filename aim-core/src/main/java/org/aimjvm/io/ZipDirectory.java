package org.aimjvm.io;

import static org.aimjvm.io.TensorBytes.INT;
import static org.aimjvm.io.TensorBytes.LONG;
import static org.aimjvm.io.TensorBytes.SHORT;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * The entries of a zip archive (ZIP64 included) in memory or mapped. Stored entries are handed out as slices without
 * copying, which {@link java.util.zip.ZipFile} cannot do and gigabytes of weights need; deflated ones are inflated
 * when read, within a bound that follows from the archive's size.
 */
final class ZipDirectory {
    private static final int END = 0x06054b50;
    private static final int END_SIZE = 22;
    private static final int END64 = 0x06064b50;
    private static final int END64_SIZE = 56;
    private static final int LOCATOR64 = 0x07064b50;
    private static final int LOCATOR64_SIZE = 20;
    private static final int CENTRAL = 0x02014b50;
    private static final int CENTRAL_SIZE = 46;
    private static final int LOCAL = 0x04034b50;
    private static final int LOCAL_SIZE = 30;
    private static final int STORED = 0;
    private static final int DEFLATED = 8;
    /** Deflated entries: 64 MiB are always allowed, beyond that 100 times the compressed size. */
    private static final long FREE_INFLATED = 64L << 20;

    private static final int MAX_RATIO = 100;

    /** One entry as the central directory describes it. */
    record Entry(String name, int method, int crc, long compressed, long size, long localHeader) {}

    private final Path path;
    private final MemorySegment zip;
    private final Map<String, Entry> entries = new LinkedHashMap<>();

    private ZipDirectory(Path path, MemorySegment zip) {
        this.path = path;
        this.zip = zip;
    }

    /**
     * Reads the central directory.
     *
     * @throws CheckpointException if it is damaged or two entries have one name
     */
    static ZipDirectory read(Path path, MemorySegment zip) {
        ZipDirectory directory = new ZipDirectory(path, zip);
        directory.readCentral();
        return directory;
    }

    Map<String, Entry> entries() {
        return Collections.unmodifiableMap(entries);
    }

    /**
     * The content of an entry: a slice of the archive if stored, else a new array. The checksum of stored entries is
     * not verified, see {@link #requireCrc}.
     *
     * @throws CheckpointException if it is not readable, see {@link #requireReadable}, or its data are damaged
     */
    MemorySegment bytes(Entry e) {
        MemorySegment raw = requireReadable(e);
        return e.method() == STORED ? raw : inflate(e, raw);
    }

    /**
     * Checks what can be known about an entry without reading it.
     *
     * @return its bytes as they are in the archive
     * @throws CheckpointException if it lies outside the archive, is packed in an unknown way, or declares far more
     *     than it can hold
     */
    MemorySegment requireReadable(Entry e) {
        long header = e.localHeader();
        if (header < 0 || header > zip.byteSize() - LOCAL_SIZE || zip.get(INT, header) != LOCAL) {
            throw problem(e.name(), "no local header where the zip directory says");
        }
        long start = header + LOCAL_SIZE + u16(header + 26) + u16(header + 28);
        if (e.compressed() < 0 || start > zip.byteSize() - e.compressed()) {
            throw problem(e.name(), e.compressed() + " bytes, expected an entry within the archive (is it complete?)");
        }
        switch (e.method()) {
            case STORED -> {
                if (e.size() != e.compressed()) {
                    throw problem(
                            e.name(), "stored size " + e.compressed() + ", expected the declared size " + e.size());
                }
            }
            case DEFLATED -> requirePlausible(e);
            default -> throw problem(e.name(), "zip method " + e.method() + ", expected stored or deflated");
        }
        return zip.asSlice(start, e.compressed());
    }

    private void requirePlausible(Entry e) {
        if (e.compressed() > Integer.MAX_VALUE) {
            throw problem(e.name(), e.compressed() + " compressed bytes, expected less than 2^31");
        }
        // Deflate cannot do better than 1032 to 1, so a larger claim is a lie and not worth allocating.
        long possible = 1032 * e.compressed() + 64;
        long bound = Math.min(Math.min(possible, FREE_INFLATED + MAX_RATIO * e.compressed()), Integer.MAX_VALUE - 8);
        if (e.size() < 0 || e.size() > bound) {
            throw problem(
                    e.name(), "inflates from " + e.compressed() + " to " + e.size() + " bytes, expected at most "
                            + bound);
        }
    }

    /**
     * Compares the checksum of an entry with its content.
     *
     * @throws CheckpointException if they differ
     */
    void requireCrc(Entry e, MemorySegment content) {
        CRC32 crc = new CRC32();
        for (long at = 0; at < content.byteSize(); at += 1 << 30) {
            crc.update(content.asSlice(at, Math.min(1 << 30, content.byteSize() - at)).asByteBuffer());
        }
        if ((int) crc.getValue() != e.crc()) {
            throw problem(e.name(), "checksum " + Long.toHexString(crc.getValue()) + ", expected "
                    + Integer.toHexString(e.crc()) + " (the file is damaged)");
        }
    }

    private MemorySegment inflate(Entry e, MemorySegment compressed) {
        byte[] out = new byte[(int) e.size()];
        try (Inflater inflater = new Inflater(true)) {
            inflater.setInput(compressed.asByteBuffer());
            int n = 0;
            while (n < out.length) {
                int step = inflater.inflate(out, n, out.length - n);
                if (step == 0) {
                    throw problem(e.name(), "inflates to " + n + " bytes, expected the declared " + out.length);
                }
                n += step;
            }
            if (inflater.inflate(new byte[1]) != 0 || !inflater.finished()) {
                throw problem(e.name(), "inflates to more than the declared " + out.length + " bytes");
            }
        } catch (DataFormatException damaged) {
            throw new CheckpointException(path, e.name(), "cannot be inflated (the file is damaged)", damaged);
        }
        MemorySegment content = MemorySegment.ofArray(out);
        requireCrc(e, content);
        return content;
    }

    private void readCentral() {
        long end = findEnd();
        long count = u16(end + 10);
        long size = u32(end + 12);
        long start = u32(end + 16);
        if (count == 0xffff || size == 0xffffffffL || start == 0xffffffffL) {
            long locator = end - LOCATOR64_SIZE;
            if (locator < 0 || zip.get(INT, locator) != LOCATOR64) {
                throw problem(null, "zip directory: ZIP64 locator missing");
            }
            long end64 = zip.get(LONG, locator + 8);
            if (end64 < 0 || end64 > locator - END64_SIZE || zip.get(INT, end64) != END64) {
                throw problem(null, "zip directory: ZIP64 end record missing");
            }
            count = zip.get(LONG, end64 + 32);
            size = zip.get(LONG, end64 + 40);
            start = zip.get(LONG, end64 + 48);
            end = end64;
        }
        if (start < 0 || size < 0 || start > end - size || count < 0 || count > size / CENTRAL_SIZE) {
            throw problem(null, "zip directory: " + count + " entries in bytes " + start + " to " + (start + size)
                    + ", expected a directory within the file");
        }
        long at = start;
        for (long i = 0; i < count; i++) {
            at = readEntry(at, start + size);
        }
    }

    private long findEnd() {
        long last = zip.byteSize() - END_SIZE;
        for (long at = last; at >= Math.max(0, last - 0xffff); at--) {
            if (zip.get(INT, at) == END && u16(at + 20) == last - at) {
                return at;
            }
        }
        throw problem(null, "zip directory missing at the end (is the file complete?)");
    }

    private long readEntry(long at, long end) {
        if (at > end - CENTRAL_SIZE || zip.get(INT, at) != CENTRAL) {
            throw problem(null, "zip directory: damaged entry");
        }
        long nameEnd = at + CENTRAL_SIZE + u16(at + 28);
        long extraEnd = nameEnd + u16(at + 30);
        long next = extraEnd + u16(at + 32);
        if (next > end) {
            throw problem(null, "zip directory: damaged entry");
        }
        String name = new String(
                zip.asSlice(at + CENTRAL_SIZE, nameEnd - at - CENTRAL_SIZE).toArray(ValueLayout.JAVA_BYTE),
                StandardCharsets.UTF_8);
        if ((u16(at + 8) & 1) != 0) {
            throw problem(name, "encrypted zip entry, expected plain");
        }
        // ZIP64 puts those of the three values that overflow into an extra field, in this order.
        long[] values = {u32(at + 24), u32(at + 20), u32(at + 42)}; // size, compressed, local header
        long field = zip64Field(nameEnd, extraEnd);
        for (int i = 0; i < values.length; i++) {
            if (values[i] == 0xffffffffL) {
                if (field < 0 || field > extraEnd - 8) {
                    throw problem(name, "ZIP64 sizes missing");
                }
                values[i] = zip.get(LONG, field);
                field += 8;
            }
        }
        Entry e = new Entry(name, u16(at + 10), zip.get(INT, at + 16), values[1], values[0], values[2]);
        if (entries.put(name, e) != null) {
            throw problem(name, "occurs twice in the zip archive");
        }
        return next;
    }

    private long zip64Field(long at, long end) {
        while (at <= end - 4) {
            int length = u16(at + 2);
            if (u16(at) == 1 && at + 4 + length <= end) {
                return at + 4;
            }
            at += 4 + length;
        }
        return -1;
    }

    private int u16(long at) {
        return zip.get(SHORT, at) & 0xffff;
    }

    private long u32(long at) {
        return zip.get(INT, at) & 0xffffffffL;
    }

    private CheckpointException problem(String entry, String problem) {
        return new CheckpointException(path, entry, problem);
    }
}
