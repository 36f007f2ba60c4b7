/**
 * Softmax and what is built on it: cross-entropy and causal attention with its cache.
 *
 * <p>For those who write layers and losses.
 *
 * <p>Start at {@link org.aimjvm.op.softmax.CrossEntropyOp}; conventions stand in {@link org.aimjvm.op}.
 */
package org.aimjvm.op.softmax;
