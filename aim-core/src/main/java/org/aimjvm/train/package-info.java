/**
 * Training: data sets, the optimiser, schedules, checkpoints, and the loop that both stages share.
 *
 * <p>Everything random is a pure function of a seed and of where it is used (epoch, step, row), so a run can be
 * continued at any step with bitwise the losses of an unbroken one, whatever the number of threads.
 */
package org.aimjvm.train;
