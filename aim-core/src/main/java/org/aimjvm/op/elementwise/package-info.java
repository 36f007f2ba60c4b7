/**
 * Operations element by element, with the few broadcasts that the models need, and sums, splits and transposes.
 *
 * <p>For those who write layers.
 *
 * <p>Start at {@link org.aimjvm.op.elementwise.ArithmeticOp}; conventions stand in {@link org.aimjvm.op}.
 */
package org.aimjvm.op.elementwise;
