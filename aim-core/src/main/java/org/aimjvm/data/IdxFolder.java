package org.aimjvm.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import org.aimjvm.io.CheckpointException;

/** A folder with IDX files under the names of MNIST, gzipped or not. */
public final class IdxFolder {
    public static final String TRAIN = "train";
    public static final String TEST = "t10k";

    private static final String IMAGES = "-images-idx3-ubyte";
    private static final String LABELS = "-labels-idx1-ubyte";
    private static final int LABELS_HEADER = 8;
    private static final int MAX_BYTES = 1 << 28;
    /** SHA-256 of the label files of Fashion-MNIST: other data come under the same names. */
    private static final Set<String> FASHION_LABELS = Set.of(
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34");

    private IdxFolder() {}

    /** Whether the folder has the pictures of {@link #TRAIN} or {@link #TEST}. */
    public static boolean isThere(Path folder, String part) {
        return Files.isRegularFile(file(folder, part + IMAGES));
    }

    /**
     * Reads one part.
     *
     * @param classNames by label; null for those of Fashion-MNIST if it is that, else numbers
     * @throws CheckpointException if a file is missing or damaged
     * @throws IllegalArgumentException if {@code side} is less than that of the pictures
     */
    public static PictureSource open(Path folder, String part, List<String> classNames, int side) {
        Path labels = file(folder, part + LABELS);
        return IdxPictures.read(
                file(folder, part + IMAGES), labels, classNames == null ? names(labels) : classNames, side);
    }

    /** The plain file if only that is there, else the gzipped one, which is the official name. */
    private static Path file(Path folder, String name) {
        Path gzipped = folder.resolve(name + ".gz");
        Path plain = folder.resolve(name);
        return !Files.isRegularFile(gzipped) && Files.isRegularFile(plain) ? plain : gzipped;
    }

    private static List<String> names(Path labels) {
        byte[] bytes;
        try (InputStream file = Files.newInputStream(labels);
                InputStream in = labels.toString().endsWith(".gz") ? new GZIPInputStream(file) : file) {
            bytes = in.readNBytes(MAX_BYTES);
        } catch (IOException e) {
            throw new CheckpointException(labels, null, "cannot be read: " + ClassFolders.reason(e), e);
        }
        if (FASHION_LABELS.contains(HexFormat.of().formatHex(sha256(bytes)))) {
            return FashionMnist.CLASS_NAMES;
        }
        int most = IntStream.range(Math.min(LABELS_HEADER, bytes.length), bytes.length).map(i -> bytes[i] & 0xff).max()
                .orElse(0);
        return IntStream.rangeClosed(0, most).mapToObj(Integer::toString).toList();
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("SHA-256: missing, expected of every Java platform", e);
        }
    }
}
