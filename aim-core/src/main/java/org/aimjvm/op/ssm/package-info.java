/**
 * State-space operations: the scans of Mamba-2 and Mamba-1, the causal convolution before them, and their neighbours
 * fused.
 *
 * <p>For those who write mixers. Length 1 with a state is the recurrent step, more is the chunked algorithm.
 *
 * <p>Start at {@link org.aimjvm.op.ssm.SsdScanOp}; conventions stand in {@link org.aimjvm.op}.
 */
package org.aimjvm.op.ssm;
