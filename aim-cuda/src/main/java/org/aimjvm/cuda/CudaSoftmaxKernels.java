package org.aimjvm.cuda;

import org.aimjvm.tensor.SoftmaxKernels;
import org.aimjvm.tensor.Storage;

/** Launches {@code kernels/softmax.cu}. */
final class CudaSoftmaxKernels implements SoftmaxKernels {
    CudaSoftmaxKernels(CudaBackend backend) {
    }

    @Override
    public void softmax(Storage y, Storage x, float alpha, int rows, int cols) {
        throw new UnsupportedOperationException("TODO softmax");
    }

    @Override
    public void softmaxBackward(Storage dx, Storage dy, Storage y, float alpha, int rows, int cols) {
        throw new UnsupportedOperationException("TODO softmaxBackward");
    }

    @Override
    public void crossEntropy(Storage loss, Storage logSumExp, Storage logits, Storage targets, int rows, int cols) {
        throw new UnsupportedOperationException("TODO crossEntropy");
    }

    @Override
    public void crossEntropyBackward(Storage dLogits, Storage dLoss, Storage logits, Storage logSumExp, Storage targets,
            int rows, int cols) {
        throw new UnsupportedOperationException("TODO crossEntropyBackward");
    }

    @Override
    public void appendKeysAndValues(Storage keys, Storage values, Storage length, Storage k, Storage v, int batch,
            int added, int capacity, int width) {
        throw new UnsupportedOperationException("TODO appendKeysAndValues");
    }

    @Override
    public void causalAttention(Storage out, Storage q, Storage k, Storage v, Storage keyLength, int batch,
            int queryLength, int keyCapacity, int heads, int kvHeads, int headDim) {
        throw new UnsupportedOperationException("TODO causalAttention");
    }

    @Override
    public void causalAttentionBackward(Storage dq, Storage dk, Storage dv, Storage dOut, Storage q, Storage k,
            Storage v, int batch, int length, int heads, int kvHeads, int headDim) {
        throw new UnsupportedOperationException("TODO causalAttentionBackward");
    }
}
