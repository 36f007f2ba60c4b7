package org.aimjvm.data;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Identifies data by the first 16 bytes of a SHA-256 over everything added, each part preceded by its length. */
final class Fingerprint {
    private final MessageDigest digest;

    Fingerprint() {
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("SHA-256 is missing, which every Java platform must have", e);
        }
    }

    Fingerprint add(byte[] bytes) {
        digest.update(ByteBuffer.allocate(4).putInt(bytes.length).flip());
        digest.update(bytes);
        return this;
    }

    Fingerprint add(String text) {
        return add(text.getBytes(StandardCharsets.UTF_8));
    }

    Fingerprint add(long... numbers) {
        ByteBuffer bytes = ByteBuffer.allocate(8 * numbers.length);
        bytes.asLongBuffer().put(numbers);
        return add(bytes.array());
    }

    Fingerprint add(int[] numbers) {
        ByteBuffer bytes = ByteBuffer.allocate(1 << 16);
        digest.update(bytes.putInt(numbers.length).flip());
        for (int from = 0; from < numbers.length; from += 1 << 14) {
            bytes.clear();
            int count = Math.min(numbers.length - from, 1 << 14);
            bytes.asIntBuffer().put(numbers, from, count);
            digest.update(bytes.limit(4 * count));
        }
        return this;
    }

    /** 32 hexadecimal digits; nothing may be added afterwards. */
    @Override
    public String toString() {
        return HexFormat.of().formatHex(digest.digest(), 0, 16);
    }
}
