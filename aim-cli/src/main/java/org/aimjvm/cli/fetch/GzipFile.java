package org.aimjvm.cli.fetch;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * A gzip file whose contents are known.
 *
 * @param name   file name
 * @param size   bytes of the contents
 * @param sha256 SHA-256 of the contents, hexadecimal
 */
public record GzipFile(String name, long size, String sha256) {
    private static final int BUFFER = 1 << 16;

    /**
     * Why {@code path} does not hold these contents, or null if it does. Reads no further than {@code size} bytes of
     * contents, so a file that inflates without end is found out early.
     *
     * @throws IOException if there is no such file or it cannot be read
     */
    public String problem(Path path) throws IOException {
        MessageDigest digest = sha256Digest();
        long total = 0;
        try (InputStream file = Files.newInputStream(path)) {
            try (InputStream in = new GZIPInputStream(file, BUFFER)) {
                byte[] buffer = new byte[BUFFER];
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    total += n;
                    if (total > size) {
                        return "holds more than the expected " + size + " bytes";
                    }
                    digest.update(buffer, 0, n);
                }
            }
        } catch (ZipException | EOFException e) {
            return "is no whole gzip file (" + e.getMessage() + ")";
        }
        if (total != size) {
            return "holds " + total + " bytes, expected " + size;
        }
        String got = HexFormat.of().formatHex(digest.digest());
        return got.equals(sha256) ? null : "has contents with SHA-256 " + got + ", expected " + sha256;
    }

    /** Throws what {@link #problem} says. */
    public void check(Path path) throws IOException {
        String problem = problem(path);
        if (problem != null) {
            throw new IOException(path + ": " + problem);
        }
    }

    private static MessageDigest sha256Digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("SHA-256: missing, expected of every Java platform", e);
        }
    }
}
