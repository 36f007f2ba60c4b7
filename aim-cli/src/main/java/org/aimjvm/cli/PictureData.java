package org.aimjvm.cli;

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
import org.aimjvm.train.FashionMnist;
import org.aimjvm.train.IdxPictures;
import org.aimjvm.train.PictureSource;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How a folder of pictures is read: IDX files in the layout of MNIST, told by their names; a mixin. */
final class PictureData {
    private static final String TRAIN = "train";
    private static final String TEST = "t10k";
    private static final int MAX_LABELS = 1 << 28;
    /** SHA-256 of the label files of Fashion-MNIST; other data come under the same file names. */
    private static final Set<String> FASHION_LABELS = Set.of(
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34");

    @Spec(Spec.Target.MIXEE) private CommandSpec command;

    @Option(
            names = "--size",
            paramLabel = "N",
            description = "Rows and columns of the pictures (default: 32 for IDX files, which get a black frame).") private Integer size;

    @Option(
            names = "--class-names",
            split = ",",
            paramLabel = "NAME",
            description = "Class names by label for IDX files (default: those of Fashion-MNIST if it is that, else numbers).") private List<String> classNames;

    /** Complains about values that can be wrong without knowing the data. */
    void check() {
        if (size != null && (size < 1 || size > 1 << 14)) {
            throw new ParameterException(command.commandLine(), "--size: " + size + " (expected 1 to " + (1 << 14)
                    + ")");
        }
    }

    /** The pictures to train on. */
    PictureSource train(Path folder) throws IOException {
        return open(folder, TRAIN);
    }

    /** The pictures to validate on that belong to the training pictures in {@code folder}; null if there are none. */
    PictureSource test(Path folder) throws IOException {
        return isThere(folder, TEST) ? open(folder, TEST) : null;
    }

    private static boolean isThere(Path folder, String part) {
        return file(folder, part + "-images-idx3-ubyte") != null;
    }

    private PictureSource open(Path folder, String part) throws IOException {
        if (!Files.isDirectory(folder)) {
            throw new ParameterException(command.commandLine(), folder + ": no such folder, expected one with IDX files"
                    + " such as train-images-idx3-ubyte.gz (get some with 'aim data fashion-mnist')");
        }
        Path images = require(folder, part + "-images-idx3-ubyte");
        Path labels = require(folder, part + "-labels-idx1-ubyte");
        List<String> names = classNames != null ? classNames : names(labels);
        return IdxPictures.read(images, labels, names, size == null ? FashionMnist.SIDE : size);
    }

    private static Path file(Path folder, String name) {
        return List.of(name + ".gz", name).stream()
                .map(folder::resolve)
                .filter(Files::isRegularFile)
                .findFirst()
                .orElse(null);
    }

    private static Path require(Path folder, String name) throws IOException {
        Path file = file(folder, name);
        if (file == null) {
            throw new IOException(folder.resolve(name) + ": no such file, nor with .gz");
        }
        return file;
    }

    private static List<String> names(Path labels) throws IOException {
        byte[] bytes;
        try (InputStream file = Files.newInputStream(labels);
                InputStream in = labels.toString().endsWith(".gz") ? new GZIPInputStream(file) : file) {
            bytes = in.readNBytes(MAX_LABELS);
        }
        if (FASHION_LABELS.contains(HexFormat.of().formatHex(sha256(bytes)))) {
            return FashionMnist.CLASS_NAMES;
        }
        int most = IntStream.range(Math.min(8, bytes.length), bytes.length).map(i -> bytes[i] & 0xff).max().orElse(0);
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
