package org.aimjvm.cpu.ssm;

/**
 * Working memory of one thread for the kernels of this package. Each kernel names its buffers and their shapes; they
 * grow to the largest size asked for and are kept, so that calls leave no garbage. Contents are what the last call
 * left.
 */
final class SsmScratch {
    final VectorCausalConv1d.Buffers conv = new VectorCausalConv1d.Buffers();
    final VectorSsdScan.Buffers ssd = new VectorSsdScan.Buffers();
    final VectorSsdHalfStep.Buffers ssdHalfStep = new VectorSsdHalfStep.Buffers();
    final VectorSsdScanBackward.Sums ssdSums = new VectorSsdScanBackward.Sums();
    final VectorSsdBackwardTask.Buffers ssdBackward = new VectorSsdBackwardTask.Buffers();
    final VectorSelectiveStep.Buffers selectiveStep = new VectorSelectiveStep.Buffers();
    final VectorSelectiveScan.Buffers selective = new VectorSelectiveScan.Buffers();
    final VectorSelectiveScanBackward.Sums selectiveSums = new VectorSelectiveScanBackward.Sums();
    final VectorSelectiveBackwardTask.Buffers selectiveBackward = new VectorSelectiveBackwardTask.Buffers();

    /** BF16 states of a call as F32, (batch, H, P, N). */
    float[] widened;

    /** {@code array} if it has {@code size} elements or more, else a new one; {@code null} is an array of none. */
    static float[] grown(float[] array, int size) {
        return array == null || array.length < size ? new float[size] : array;
    }
}
