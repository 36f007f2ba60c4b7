/**
 * Differentiable operations, one file each: shape check, forward kernel call, backward closure. Adding one: reference loops
 * in the scalar family, the closure here, a line in {@code org.aimjvm.verify.OpCases}, the vector kernel.
 */
package org.aimjvm.op;
