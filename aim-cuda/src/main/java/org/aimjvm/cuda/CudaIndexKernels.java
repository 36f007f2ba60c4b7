package org.aimjvm.cuda;

import org.aimjvm.tensor.IndexKernels;
import org.aimjvm.tensor.Storage;

/** Launches {@code kernels/index.cu}. */
final class CudaIndexKernels implements IndexKernels {
    CudaIndexKernels(CudaBackend backend) {
    }

    @Override
    public void embedding(Storage y, Storage table, Storage ids, int rows, int vocab, int dim) {
        throw new UnsupportedOperationException("TODO embedding");
    }

    @Override
    public void embeddingBackward(Storage dTable, Storage dy, Storage ids, int rows, int vocab, int dim) {
        throw new UnsupportedOperationException("TODO embeddingBackward");
    }

    @Override
    public void nearestCode(Storage codes, Storage z, Storage codebook, int rows, int entries, int dim) {
        throw new UnsupportedOperationException("TODO nearestCode");
    }

    @Override
    public void transpose(Storage y, Storage x, int batch, int rows, int cols) {
        throw new UnsupportedOperationException("TODO transpose");
    }

    /** The F32 numbers that weights stand for. */
    void widen(CudaStorage y, CudaWeights w) {
        throw new UnsupportedOperationException("TODO widen");
    }
}
