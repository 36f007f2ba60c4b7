/**
 * Operations on indices: rows of a table by their number, and the number of the nearest row.
 *
 * <p>For those who write layers.
 *
 * <p>Start at {@link org.aimjvm.op.index.EmbeddingOp}; conventions stand in {@link org.aimjvm.op}.
 */
package org.aimjvm.op.index;
