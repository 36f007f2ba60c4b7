package org.aimjvm.cuda;

import org.aimjvm.backend.Storage;

/**
 * Where the columns of a linear layer of few rows go: {@code Columns} of {@code kernels/linear.cuh}, which says more.
 *
 * @param y the first {@code columns}, {@code null} if there are none
 * @param convolved the next {@code channels} after their convolution
 * @param after the others
 * @param state of the convolution
 * @param bias of all columns, or {@code null}
 * @param convBias may be {@code null}
 */
record LinearColumns(
        CudaStorage y, CudaStorage convolved, CudaStorage after, CudaStorage state, CudaStorage bias,
        CudaStorage convWeight, CudaStorage convBias, int columns, int channels, boolean silu) {
    /** All columns to one matrix. */
    static LinearColumns plain(Storage y, Storage bias, int out) {
        return new LinearColumns(
                CudaStorage.plain(y), null, null, null, CudaStorage.orNull(bias), null, null, out, 0, false);
    }
}
