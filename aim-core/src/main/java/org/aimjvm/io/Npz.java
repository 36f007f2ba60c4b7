package org.aimjvm.io;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.Channels;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * NumPy archives ({@code .npz}): a zip of {@code .npy} files, each known by its name without the ending. Sets of
 * generated pictures are exchanged this way: {@code arr_0} uint8 (N, H, W, 3) and {@code arr_1} int64 (N) labels.
 */
public final class Npz {
    /** Adds the arrays of an archive. */
    @FunctionalInterface
    public interface Content {
        void write(NpzWriter npz) throws IOException;
    }

    private Npz() {}

    /**
     * Reads all arrays, stored or compressed, in the archive's order.
     *
     * @throws CheckpointException if the file is missing, damaged, or holds another kind of array
     */
    public static Map<String, Npy> read(Path path) {
        try (MappedFile file = MappedFile.open(path, f -> f)) {
            return parse(path, file.bytes());
        }
    }

    static Map<String, Npy> parse(Path path, MemorySegment zip) {
        ZipDirectory directory = ZipDirectory.read(path, zip);
        Map<String, Npy> arrays = new LinkedHashMap<>();
        for (ZipDirectory.Entry e : directory.entries().values()) {
            if (!e.name().endsWith(".npy")) {
                throw new CheckpointException(path, e.name(), "zip entry, expected only .npy arrays");
            }
            MemorySegment bytes = directory.bytes(e);
            directory.requireCrc(e, bytes);
            if (bytes.byteSize() > Integer.MAX_VALUE - 8) {
                throw new CheckpointException(path, e.name(), bytes.byteSize() + " bytes, expected less than 2^31 - 8");
            }
            String name = e.name().substring(0, e.name().length() - 4);
            // Copied, so that the result outlives the mapped file.
            byte[] copy = bytes.toArray(ValueLayout.JAVA_BYTE);
            arrays.put(name, Npy.parse(path, name, MemorySegment.ofArray(copy)));
        }
        return Collections.unmodifiableMap(arrays);
    }

    /**
     * Writes an archive; it appears at once when complete, see {@link AtomicFiles}. The bytes depend only on the
     * arrays and their order.
     *
     * @throws CheckpointException if the file cannot be written
     */
    public static void write(Path path, Content content) {
        try {
            AtomicFiles.write(path, out -> {
                NpzWriter npz = new NpzWriter(Channels.newOutputStream(out));
                content.write(npz);
                npz.finish();
            });
        } catch (IOException e) {
            throw new CheckpointException(path, null, "cannot be written: " + e.getMessage(), e);
        }
    }
}
