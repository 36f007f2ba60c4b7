package org.aimjvm.data;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.aimjvm.io.CheckpointException;

/**
 * The IDX files of MNIST and its relatives, plain or gzipped: two zero bytes, the type (8: unsigned byte), the number
 * of dimensions, their sizes as big-endian ints, the elements. Read strictly: nothing may be missing or left over, and
 * a size is believed only if a file of that length can hold it.
 */
public final class IdxReader {
    private static final int UNSIGNED_BYTE = 8;
    /** Deflate cannot do better than 1032 to 1. */
    private static final long MAX_RATIO = 1032;

    /**
     * Grey pictures.
     *
     * @param pixels (count, rows, cols), unsigned
     */
    public record Images(int count, int rows, int cols, byte[] pixels) {}

    private IdxReader() {}

    /**
     * Reads a file of pictures, with three dimensions.
     *
     * @throws CheckpointException if it is missing, damaged or something else
     */
    public static Images images(Path path) {
        return read(path, 3, (sizes, bytes) -> new Images(sizes[0], sizes[1], sizes[2], bytes));
    }

    /**
     * Reads a file of labels, with one dimension, unsigned.
     *
     * @throws CheckpointException if it is missing, damaged or something else
     */
    public static byte[] labels(Path path) {
        return read(path, 1, (sizes, bytes) -> bytes);
    }

    private interface Result<T> {
        T of(int[] sizes, byte[] bytes);
    }

    private static <T> T read(Path path, int rank, Result<T> result) {
        try (InputStream file = new BufferedInputStream(Files.newInputStream(path), 1 << 16)) {
            file.mark(2);
            boolean gzip = file.read() == 0x1f && file.read() == 0x8b;
            file.reset();
            long limit = Files.size(path) * (gzip ? MAX_RATIO : 1);
            DataInputStream in = new DataInputStream(gzip ? new GZIPInputStream(file, 1 << 16) : file);
            int magic = in.readInt();
            int expected = UNSIGNED_BYTE << 8 | rank;
            if (magic != expected) {
                throw new CheckpointException(path, null, String.format(
                        Locale.ROOT, "IDX header %08x, expected %08x (unsigned bytes, %d dimensions)",
                        magic, expected, rank));
            }
            int[] sizes = new int[rank];
            long total = 1;
            for (int i = 0; i < rank; i++) {
                sizes[i] = in.readInt();
                if (sizes[i] < 1 || (total *= sizes[i]) > Math.min(limit, Integer.MAX_VALUE - 8)) {
                    throw new CheckpointException(path, null, "IDX size " + sizes[i] + " of dimension " + i
                            + ", expected at least 1 and no more than the file can hold");
                }
            }
            byte[] bytes = new byte[(int) total];
            in.readFully(bytes);
            if (in.read() >= 0) {
                throw new CheckpointException(path, null, "bytes after the last element, expected " + total);
            }
            return result.of(sizes, bytes);
        } catch (NoSuchFileException e) {
            throw new CheckpointException(path, null, "no such file", e);
        } catch (EOFException e) {
            throw new CheckpointException(path, null, "ends early (is it complete?)", e);
        } catch (ZipException e) {
            throw new CheckpointException(path, null, "cannot be inflated: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new CheckpointException(path, null, "cannot be read: " + e.getMessage(), e);
        }
    }
}
