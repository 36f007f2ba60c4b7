/**
 * Norms: RMSNorm plain and gated, LayerNorm, GroupNorm, and the gated sum and norm between two mixers in one kernel.
 *
 * <p>For those who write layers.
 *
 * <p>Start at {@link org.aimjvm.op.norm.RmsNormOp}; conventions stand in {@link org.aimjvm.op}.
 */
package org.aimjvm.op.norm;
