/**
 * Training: the loop that all stages share, what each adds to it, and the folder of a run that can be continued.
 *
 * <p>For those who train. Start at {@link org.aimjvm.train.VqTrainer} for the tokenizer, {@link
 * org.aimjvm.train.LmTrainer} for the sequence model.
 *
 * <p>Everything random is a pure function of a seed and of where it is used (epoch, step, row), so a run can be
 * continued at any step with bitwise the losses of an unbroken one, whatever the number of threads.
 */
package org.aimjvm.train;
