package org.aimjvm.cpu.rows;

import static org.aimjvm.cpu.memory.HeapStorage.floats;
import static org.aimjvm.cpu.memory.HeapStorage.ints;
import static org.aimjvm.cpu.rows.VectorElementwiseKernels.rowGrain;

import java.util.Arrays;
import org.aimjvm.backend.IndexKernels;
import org.aimjvm.backend.Storage;
import org.aimjvm.cpu.memory.FrozenWeights;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.scalar.ScalarIndexKernels;
import org.aimjvm.cpu.simd.VectorTranspose;

/** Kernels that read or write by index, on several threads. */
public final class VectorIndexKernels implements IndexKernels {
    /** Most pieces of a gradient of a table: each looks at every id. */
    private static final int TABLE_PIECES = 32;

    /** Rows that a piece of a transposition reads: whole cache lines of the result. */
    private static final int TRANSPOSE_ROWS = 64;

    private final Parallel parallel;
    private final VectorNearestCode nearestCode;

    public VectorIndexKernels(Parallel parallel) {
        this.parallel = parallel;
        this.nearestCode = new VectorNearestCode(parallel);
    }

    @Override
    public void embedding(Storage y, Storage table, Storage ids, int rows, int vocab, int dim) {
        float[] ys = floats(y);
        int[] is = ints(ids);
        if (table instanceof FrozenWeights w) {
            parallel.forRange(rows, rowGrain(dim), (from, to) -> {
                for (int r = from; r < to; r++) {
                    w.row(ScalarIndexKernels.checkedId(is[r], vocab), ys, r * dim);
                }
            });
            return;
        }
        float[] ts = floats(table);
        parallel.forRange(rows, rowGrain(dim), (from, to) -> {
            for (int r = from; r < to; r++) {
                System.arraycopy(ts, ScalarIndexKernels.checkedId(is[r], vocab) * dim, ys, r * dim, dim);
            }
        });
    }

    @Override
    public void embeddingBackward(Storage dTable, Storage dy, Storage ids, int rows, int vocab, int dim) {
        float[] dts = floats(dTable);
        float[] dys = floats(dy);
        int[] is = ints(ids);
        checkIds(is, rows, vocab);
        int grain = Math.max(rowGrain(dim), (vocab + TABLE_PIECES - 1) / TABLE_PIECES);
        // a piece owns entries of the table: sums stay in the order of r
        parallel.forRange(vocab, grain, (from, to) -> {
            Arrays.fill(dts, from * dim, to * dim, 0f);
            for (int r = 0; r < rows; r++) {
                int id = is[r];
                if (id >= from && id < to) {
                    VectorElementwiseKernels.add(dts, id * dim, dts, id * dim, dys, r * dim, dim);
                }
            }
        });
    }

    private static void checkIds(int[] ids, int rows, int vocab) {
        for (int r = 0; r < rows; r++) {
            ScalarIndexKernels.checkedId(ids[r], vocab);
        }
    }

    @Override
    public void nearestCode(Storage codes, Storage z, Storage codebook, int rows, int entries, int dim) {
        nearestCode.run(ints(codes), floats(z), floats(codebook), rows, entries, dim);
    }

    @Override
    public void transpose(Storage y, Storage x, int batch, int rows, int cols) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        int blocks = (rows + TRANSPOSE_ROWS - 1) / TRANSPOSE_ROWS;
        int grain = Math.max(1, (1 << 14) / Math.max(1, Math.min(rows, TRANSPOSE_ROWS) * cols));
        parallel.forRange(batch * blocks, grain, (from, to) -> {
            for (int piece = from; piece < to; piece++) {
                int base = piece / blocks * rows * cols;
                int i = piece % blocks * TRANSPOSE_ROWS;
                int height = Math.min(TRANSPOSE_ROWS, rows - i);
                VectorTranspose.transpose(ys, base + i, rows, xs, base + i * cols, cols, height, cols);
            }
        });
    }
}
