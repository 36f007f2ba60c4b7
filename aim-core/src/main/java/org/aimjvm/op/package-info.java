/**
 * Differentiable operations, by family, one file each: shape check, forward kernel call, backward closure.
 *
 * <p>For those who write layers; here is only what the families share. Adding one: reference loops in the scalar
 * family, the closure, a line in {@code org.aimjvm.verify.OpCases} (a test asks for it), the vector kernel.
 *
 * <p>Start at {@link org.aimjvm.op.gemm}, whose {@code LinearOp} shows the pattern.
 */
package org.aimjvm.op;
