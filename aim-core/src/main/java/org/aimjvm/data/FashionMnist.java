package org.aimjvm.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.aimjvm.io.CheckpointException;

/** Fashion-MNIST (Xiao et al. 2017): 60,000 and 10,000 grey pictures of clothes in ten classes, framed to 32 x 32. */
public final class FashionMnist {
    /** Rows and columns after framing the files' 28 x 28. */
    public static final int SIDE = 32;

    /** Class names by label. */
    public static final List<String> CLASS_NAMES = List.of(
            "t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot");

    private FashionMnist() {}

    /**
     * The 60,000 training pictures.
     *
     * @param folder with the four files under their official names, gzipped or not
     * @throws CheckpointException if a file is missing or damaged
     */
    public static PictureSource train(Path folder) {
        return read(folder, "train");
    }

    /** The 10,000 test pictures; as {@link #train}. */
    public static PictureSource test(Path folder) {
        return read(folder, "t10k");
    }

    private static PictureSource read(Path folder, String part) {
        return IdxPictures.read(
                find(folder, part + "-images-idx3-ubyte"), find(folder, part + "-labels-idx1-ubyte"), CLASS_NAMES,
                SIDE);
    }

    private static Path find(Path folder, String name) {
        Path gzipped = folder.resolve(name + ".gz");
        Path plain = folder.resolve(name);
        if (Files.isRegularFile(gzipped)) {
            return gzipped;
        }
        if (Files.isRegularFile(plain)) {
            return plain;
        }
        throw new CheckpointException(
                gzipped, null,
                "no such file (get the data with `aim data fashion-mnist`, or name the folder that has them)");
    }
}
