package org.aimjvm.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.SplitMix64;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.Npy;

/**
 * Codes as others store them: a NumPy file per picture, whose elements are integers of shape (crops, length), (1, crops,
 * length) or (length), the same for all. The folder is laid out as LlamaGen's code extraction does,
 * {@code NAME_codes/I.npy} with {@code NAME_labels/I.npy} for I = 0, 1, ..., or has a folder per class, as RandAR and
 * ARPG want it. Names and sizes are read when it is opened, contents when they are asked for.
 *
 * <p>Classes whose folders are all numbers have these as labels; others are numbered by name. The classes of labels
 * without names are called as in ImageNet if there are 1,000, else by their numbers.
 *
 * <p>The fingerprint covers labels, names and lengths of all files and the contents of up to {@value #SAMPLE} (all where
 * there are no more; else a fixed pseudo-random choice).
 */
public final class CodeFolder implements CodeSource {
    /** Codes of LlamaGen's tokenizer, which these layouts are mostly used with. */
    public static final int DEFAULT_VOCAB = 16384;

    private static final int SAMPLE = 1024;
    private static final long MAX_BYTES = 1 << 26;

    private final CodeFiles files;
    private final TokenDatasetInfo info;
    private final int crops;
    private final String fingerprint;

    private CodeFolder(CodeFiles files, int vocab) {
        this.files = files;
        long bytes = length(files.path(0));
        Npy first = npy(files.path(0));
        Shape shape = first.shape();
        int codes = shape.rank() == 0 ? 0 : shape.dim(shape.rank() - 1);
        int side = (int) Math.round(Math.sqrt(codes));
        if (codes < 1 || shape.rank() > 3 || shape.rank() == 3 && shape.dim(0) != 1 || side * side != codes
                || shape.size() == 0) {
            throw new CheckpointException(files.path(0), null, "shape " + shape
                    + ", expected (crops, length) or (1, crops, length) with the codes of a square picture");
        }
        this.crops = shape.size() / codes;
        this.info = new TokenDatasetInfo(side, side, vocab, files.classNames(), "", "");
        this.fingerprint = fingerprint(bytes);
    }

    /** Whether a folder has one of the two layouts; says nothing of what is in the files. */
    public static boolean isOne(Path folder) {
        return CodeFiles.areIn(folder);
    }

    /**
     * Opens a folder.
     *
     * @param folder the one that holds {@code NAME_codes} and {@code NAME_labels}, or a folder per class
     * @param vocab codes are in [0, vocab), which the files do not say
     * @throws CheckpointException if it has neither layout, labels are missing, or a file that is looked at is damaged
     */
    public static CodeFolder open(Path folder, int vocab) {
        return new CodeFolder(CodeFiles.of(folder), vocab);
    }

    private String fingerprint(long bytes) {
        int size = files.size();
        long[] lengths = new long[size];
        IntStream.range(0, size).parallel().forEach(i -> {
            lengths[i] = length(files.path(i));
            if (lengths[i] != bytes) {
                codes(files.path(i)); // of another type, or it fails here
            }
        });
        Fingerprint print = new Fingerprint().add("npy").add(info.vocab(), info.length(), crops);
        files.classNames().forEach(print::add);
        for (int i = 0; i < size; i++) {
            print.add(files.name(i)).add(files.label(i), lengths[i]);
        }
        boolean all = size <= SAMPLE;
        for (int i = 0; i < Math.min(size, SAMPLE); i++) {
            print.add(codes(files.path(all ? i : Draws.below(SplitMix64.mix(i), size))));
        }
        return print.toString();
    }

    private static long length(Path file) {
        try {
            return Files.size(file);
        } catch (IOException e) {
            throw new CheckpointException(file, null, "cannot be read: " + ClassFolders.reason(e), e);
        }
    }

    /** The array of a file that is not unreasonably long. */
    static Npy npy(Path file) {
        long bytes = length(file);
        if (bytes > MAX_BYTES) {
            throw new CheckpointException(file, null, bytes + " bytes, expected the codes of one picture, at most "
                    + MAX_BYTES);
        }
        Npy array = Npy.read(file);
        return switch (array.dtype()) {
            case I64, I32, I16, U16, I8, U8 -> array;
            default -> throw new CheckpointException(file, null, "elements " + array.dtype() + ", expected integers");
        };
    }

    /** All crops of a picture. */
    private int[] codes(Path file) {
        Npy array = npy(file);
        Shape shape = array.shape();
        if (shape.rank() == 0 || shape.dim(shape.rank() - 1) != info.length()
                || shape.size() != crops * info.length()) {
            throw new CheckpointException(file, null, "shape " + shape + ", expected " + crops + " crops of "
                    + info.length() + " codes as in " + files.path(0));
        }
        int[] codes = array.ints();
        for (int code : codes) {
            if (code < 0 || code >= info.vocab()) {
                throw new CheckpointException(file, null, "code " + code + ", expected 0 to " + (info.vocab() - 1)
                        + " (is it the vocabulary of the tokenizer that made them?)");
            }
        }
        return codes;
    }

    @Override
    public TokenDatasetInfo info() {
        return info;
    }

    @Override
    public int size() {
        return files.size();
    }

    @Override
    public int crops() {
        return crops;
    }

    @Override
    public int label(int index) {
        return files.label(index);
    }

    @Override
    public void read(int index, int crop, int[] out, int offset) {
        if (crop < 0 || crop >= crops) {
            throw new IndexOutOfBoundsException("crop: " + crop + " (expected 0 to " + (crops - 1) + ")");
        }
        System.arraycopy(codes(files.path(index)), crop * info.length(), out, offset, info.length());
    }

    @Override
    public String fingerprint() {
        return fingerprint;
    }

    @Override
    public void close() {
        // holds no file open
    }
}
