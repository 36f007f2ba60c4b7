package org.aimjvm.io;

import java.nio.file.Path;

/**
 * A file of tensors that cannot be read or written as asked: missing, damaged, of an unknown format, or not holding
 * what is expected of it. The message reads {@code path: tensor: what, expected (cure)}.
 */
public final class CheckpointException extends RuntimeException {
    private final transient Path path;
    private final String tensor;

    /**
     * @param path the file or folder
     * @param tensor name of the tensor, or null if the problem concerns the whole file
     * @param problem what is wrong, and where it helps what was expected
     */
    public CheckpointException(Path path, String tensor, String problem) {
        this(path, tensor, problem, null);
    }

    /**
     * @param path the file or folder
     * @param tensor name of the tensor, or null if the problem concerns the whole file
     * @param problem what is wrong, and where it helps what was expected
     * @param cause what made it fail, or null
     */
    public CheckpointException(Path path, String tensor, String problem, Throwable cause) {
        super(path + ": " + (tensor == null ? "" : shorten(tensor) + ": ") + problem, cause);
        this.path = path;
        this.tensor = tensor;
    }

    /** The file or folder. */
    public Path path() {
        return path;
    }

    /** The tensor concerned, or null if it is the whole file. */
    public String tensor() {
        return tensor;
    }

    /** A name from a file, cut to a length fit for one line and with control characters replaced. */
    public static String shorten(String name) {
        String cut = name.length() > 200 ? name.substring(0, 200) + "..." : name;
        StringBuilder sb = new StringBuilder(cut.length());
        cut.chars().forEach(c -> sb.append(Character.isISOControl(c) ? '?' : (char) c));
        return sb.toString();
    }
}
