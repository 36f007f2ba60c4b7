/**
 * From gradients to new weights: AdamW, learning rate schedules, moving averages, accumulation.
 *
 * <p>For those who write a training loop of their own; the one in {@code org.aimjvm.train} uses nothing else.
 *
 * <p>Start at {@link org.aimjvm.optim.AdamW}.
 */
package org.aimjvm.optim;
