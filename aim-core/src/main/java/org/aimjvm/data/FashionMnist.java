package org.aimjvm.data;

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
        return read(folder, IdxFolder.TRAIN);
    }

    /** The 10,000 test pictures; as {@link #train}. */
    public static PictureSource test(Path folder) {
        return read(folder, IdxFolder.TEST);
    }

    private static PictureSource read(Path folder, String part) {
        return IdxFolder.open(folder, part, CLASS_NAMES, SIDE);
    }
}
