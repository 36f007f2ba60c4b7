package org.aimjvm.verify;

import java.util.Arrays;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.tensor.Tensor;

/** Parts of sequences: tensors (batch, L, ...) cut along L. */
final class Sequences {
    private Sequences() {}

    /** A copy of elements [from, to) of each sequence. */
    static Tensor slice(Tensor x, int from, int to) {
        int batch = x.dim(0);
        int length = x.dim(1);
        int[] dims = x.shape().toArray();
        dims[1] = to - from;
        Shape shape = Shape.of(dims);
        int row = x.size() / (batch * length);
        if (x.dtype() == DType.I32) {
            int[] part = new int[shape.size()];
            int[] all = x.toInts();
            for (int b = 0; b < batch; b++) {
                System.arraycopy(all, (b * length + from) * row, part, b * (to - from) * row, (to - from) * row);
            }
            return Tensor.ofInts(x.backend(), shape, part);
        }
        float[] part = new float[shape.size()];
        float[] all = x.toFloats();
        for (int b = 0; b < batch; b++) {
            System.arraycopy(all, (b * length + from) * row, part, b * (to - from) * row, (to - from) * row);
        }
        return Tensor.of(x.backend(), shape, part);
    }

    /**
     * Copies {@code part} (batch, n, ...) to elements [from, from + n) of each sequence in {@code all}.
     *
     * @param all elements of (batch, length, ...), Modified
     */
    static void put(float[] all, Tensor part, int length, int from) {
        int batch = part.dim(0);
        int row = all.length / (batch * length);
        float[] values = part.toFloats();
        int n = part.dim(1);
        for (int b = 0; b < batch; b++) {
            System.arraycopy(values, b * n * row, all, (b * length + from) * row, n * row);
        }
    }

    /** A copy of the first {@code count} sequences. */
    static float[] firstRows(Tensor x, int count) {
        float[] all = x.toFloats();
        return Arrays.copyOf(all, all.length / x.dim(0) * count);
    }
}
