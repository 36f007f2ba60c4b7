package org.aimjvm.cpu.rows;

import java.util.Arrays;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.memory.Scratch;

/**
 * Sums over the rows of a matrix that fall off while the rows are computed: gradients of weights and biases. Rows are
 * added in F32 within blocks of {@link #BLOCK_ROWS}, then the blocks in order, so no thread and no order of threads
 * shows.
 */
final class VectorRowSums {
    private static final int BLOCK_ROWS = 32;

    private final Parallel parallel;
    private final Scratch partials = new Scratch();

    VectorRowSums(Parallel parallel) {
        this.parallel = parallel;
    }

    /**
     * Computes rows {@code [from, to)} and adds their part of the first sum to {@code sums} from {@code sumAt} on and
     * of the second to the {@code cols} elements that follow.
     */
    @FunctionalInterface
    interface Block {
        void run(float[] sums, int sumAt, int from, int to);
    }

    /**
     * Runs {@code body} over blocks of rows and leaves the two sums, unless {@code null}, in first and second (cols).
     */
    void forBlocks(int rows, int cols, float[] first, float[] second, Block body) {
        int width = 2 * cols;
        int blocks = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
        float[] sums = partials.zeros(blocks * width);
        int grain = Math.max(1, VectorElementwiseKernels.rowGrain(cols) / BLOCK_ROWS);
        parallel.forRange(blocks, grain, (from, to) -> {
            for (int b = from; b < to; b++) {
                body.run(sums, b * width, b * BLOCK_ROWS, Math.min(rows, (b + 1) * BLOCK_ROWS));
            }
        });
        addBlocks(first, sums, 0, blocks, cols);
        addBlocks(second, sums, cols, blocks, cols);
    }

    private static void addBlocks(float[] out, float[] sums, int first, int blocks, int cols) {
        if (out == null) {
            return;
        }
        Arrays.fill(out, 0, cols, 0f);
        for (int b = 0; b < blocks; b++) {
            VectorElementwiseKernels.add(out, 0, out, 0, sums, 2 * b * cols + first, cols);
        }
    }
}
