package org.aimjvm.io;

import java.nio.file.Path;
import java.util.Arrays;
import org.aimjvm.backend.Shape;

/** Shapes that a file claims. */
final class FileShapes {
    private FileShapes() {}

    /**
     * The shape with sizes {@code dims}. Not modified.
     *
     * @throws CheckpointException if a size is negative or the number of elements exceeds a Java array's
     */
    static Shape of(Path path, String tensor, long[] dims) {
        int[] ints = new int[dims.length];
        for (int i = 0; i < dims.length; i++) {
            if (dims[i] < 0 || dims[i] > Integer.MAX_VALUE) {
                throw new CheckpointException(
                        path, tensor, "shape " + Arrays.toString(dims) + ", expected sizes in [0, 2^31)");
            }
            ints[i] = (int) dims[i];
        }
        try {
            return Shape.of(ints);
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(path, tensor, e.getMessage(), e);
        }
    }
}
