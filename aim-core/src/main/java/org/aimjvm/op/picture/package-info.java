/**
 * Pooling, resizing and moving of pictures (batch, channels, height, width).
 *
 * <p>For those who write networks that judge pictures, or change pictures before they are judged.
 *
 * <p>Start at {@link org.aimjvm.op.picture.PoolOp}; conventions stand in {@link org.aimjvm.op}.
 */
package org.aimjvm.op.picture;
