/**
 * Matrix products: linear layers, batched products, and the head fused into the cross-entropy.
 *
 * <p>For those who write layers.
 *
 * <p>Start at {@link org.aimjvm.op.gemm.LinearOp}; conventions stand in {@link org.aimjvm.op}.
 */
package org.aimjvm.op.gemm;
