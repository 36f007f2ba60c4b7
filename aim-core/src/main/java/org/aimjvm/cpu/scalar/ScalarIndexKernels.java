package org.aimjvm.cpu.scalar;

import static org.aimjvm.cpu.memory.HeapStorage.floats;
import static org.aimjvm.cpu.memory.HeapStorage.ints;

import java.util.Arrays;
import org.aimjvm.backend.IndexKernels;
import org.aimjvm.backend.Storage;

/** Reference kernels that read or write by index. */
public final class ScalarIndexKernels implements IndexKernels {

    @Override
    public void embedding(Storage y, Storage table, Storage ids, int rows, int vocab, int dim) {
        float[] ys = floats(y);
        float[] ts = floats(table);
        int[] is = ints(ids);
        for (int r = 0; r < rows; r++) {
            System.arraycopy(ts, checkedId(is[r], vocab) * dim, ys, r * dim, dim);
        }
    }

    @Override
    public void embeddingBackward(Storage dTable, Storage dy, Storage ids, int rows, int vocab, int dim) {
        float[] dts = floats(dTable);
        float[] dys = floats(dy);
        int[] is = ints(ids);
        Arrays.fill(dts, 0, vocab * dim, 0f);
        for (int r = 0; r < rows; r++) {
            int base = checkedId(is[r], vocab) * dim;
            for (int c = 0; c < dim; c++) {
                dts[base + c] += dys[r * dim + c];
            }
        }
    }

    public static int checkedId(int id, int vocab) {
        if (id < 0 || id >= vocab) {
            throw new IllegalArgumentException("embedding: id " + id + " (expected 0 to " + (vocab - 1) + ")");
        }
        return id;
    }

    @Override
    public void nearestCode(Storage codes, Storage z, Storage codebook, int rows, int entries, int dim) {
        int[] cs = ints(codes);
        float[] zs = floats(z);
        float[] es = floats(codebook);
        for (int r = 0; r < rows; r++) {
            float best = Float.POSITIVE_INFINITY;
            int bestEntry = 0;
            for (int e = 0; e < entries; e++) {
                float distance = 0;
                for (int c = 0; c < dim; c++) {
                    float diff = zs[r * dim + c] - es[e * dim + c];
                    distance += diff * diff;
                }
                if (distance < best) {
                    best = distance;
                    bestEntry = e;
                }
            }
            cs[r] = bestEntry;
        }
    }

    @Override
    public void transpose(Storage y, Storage x, int batch, int rows, int cols) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        for (int b = 0; b < batch; b++) {
            int base = b * rows * cols;
            for (int i = 0; i < rows; i++) {
                for (int j = 0; j < cols; j++) {
                    ys[base + j * rows + i] = xs[base + i * cols + j];
                }
            }
        }
    }
}
