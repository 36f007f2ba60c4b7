package org.aimjvm.io;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/**
 * The bytes of a picture file by position, in memory or on disk. On disk the first and the last {@value #WINDOW} bytes
 * are read at once and kept, anything between in windows of the same size, so that checking a file costs two short
 * reads. Positions past the end are an {@link EOFException}. Not for use by several threads.
 */
final class PictureBytes implements Closeable {
    static final int WINDOW = 4096;

    private final FileChannel channel;
    private final byte[] head;
    private final byte[] tail;
    private final long size;
    private byte[] window = {};
    private long windowStart;

    private PictureBytes(FileChannel channel, byte[] head, byte[] tail, long size) {
        this.channel = channel;
        this.head = head;
        this.tail = tail;
        this.size = size;
    }

    /** A file in memory. Not copied. */
    static PictureBytes of(byte[] file) {
        return new PictureBytes(null, file, file, file.length);
    }

    static PictureBytes open(Path path) throws IOException {
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
        boolean opened = false;
        try {
            long size = channel.size();
            byte[] head = read(channel, 0, (int) Math.min(size, WINDOW));
            byte[] tail = size <= WINDOW ? head : read(channel, size - WINDOW, WINDOW);
            PictureBytes bytes = new PictureBytes(channel, head, tail, size);
            opened = true;
            return bytes;
        } finally {
            if (!opened) {
                channel.close();
            }
        }
    }

    private static byte[] read(FileChannel channel, long at, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, at + buffer.position()) < 0) {
                throw new EOFException("became shorter while it was read");
            }
        }
        return buffer.array();
    }

    long size() {
        return size;
    }

    /** A checksum of the first and the last {@value #WINDOW} bytes: of everything in a file of up to twice that. */
    int checksum() {
        CRC32C crc = new CRC32C();
        crc.update(head, 0, Math.min(head.length, WINDOW));
        int length = (int) Math.min(Math.max(0, size - WINDOW), WINDOW);
        crc.update(tail, tail.length - length, length);
        return (int) crc.getValue();
    }

    /** The byte at {@code at}, unsigned. */
    int u8(long at) throws IOException {
        if (at < 0 || at >= size) {
            throw new EOFException("ends early, after " + size + " bytes (is it complete?)");
        }
        if (at < head.length) {
            return head[(int) at] & 0xff;
        }
        long tailStart = size - tail.length;
        if (at >= tailStart) {
            return tail[(int) (at - tailStart)] & 0xff;
        }
        if (at < windowStart || at >= windowStart + window.length) {
            windowStart = at / WINDOW * WINDOW;
            window = read(channel, windowStart, (int) Math.min(WINDOW, size - windowStart));
        }
        return window[(int) (at - windowStart)] & 0xff;
    }

    /** Two bytes, the high one first. */
    int u16(long at) throws IOException {
        return u8(at) << 8 | u8(at + 1);
    }

    /** Two bytes, the low one first. */
    int u16le(long at) throws IOException {
        return u8(at) | u8(at + 1) << 8;
    }

    /** Four bytes, the high one first, unsigned. */
    long u32(long at) throws IOException {
        return (long) u16(at) << 16 | u16(at + 2);
    }

    /** Four bytes, the low one first, unsigned. */
    long u32le(long at) throws IOException {
        return u16le(at) | (long) u16le(at + 2) << 16;
    }

    /** Whether {@code text}, as Latin 1, stands at {@code at}. */
    boolean has(long at, String text) throws IOException {
        byte[] expected = text.getBytes(StandardCharsets.ISO_8859_1);
        if (at + expected.length > size) {
            return false;
        }
        for (int i = 0; i < expected.length; i++) {
            if (u8(at + i) != (expected[i] & 0xff)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Where {@code text} stands last, not before {@code from} and not further than {@code reach} bytes from the end.
     *
     * @return -1 if nowhere there
     */
    long lastIndexOf(String text, long from, int reach) throws IOException {
        long least = Math.max(from, size - reach);
        for (long at = size - text.length(); at >= least; at--) {
            if (has(at, text)) {
                return at;
            }
        }
        return -1;
    }

    @Override
    public void close() throws IOException {
        if (channel != null) {
            channel.close();
        }
    }
}
