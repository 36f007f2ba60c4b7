/**
 * Convolutions of pictures (batch, channels, height, width), alone, after a norm, and after enlarging.
 *
 * <p>For those who write layers of a tokenizer or of a discriminator.
 *
 * <p>Start at {@link org.aimjvm.op.conv.Conv2dOp}; conventions stand in {@link org.aimjvm.op}.
 */
package org.aimjvm.op.conv;
