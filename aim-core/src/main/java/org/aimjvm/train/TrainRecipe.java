package org.aimjvm.train;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.util.Objects;
import org.aimjvm.data.Sampling;
import org.aimjvm.optim.AdamWOptions;
import org.aimjvm.optim.LrSchedule;

/**
 * Settings of a training run that both stages share and that decide its numbers.
 *
 * @param batch pictures per step
 * @param accumulation passes that a step is split into, to save memory; a divisor of {@code batch}
 * @param seed of shuffles, dropout and crops
 * @param optimizer settings of AdamW, with the peak learning rate
 * @param schedule learning rate over the run, and its number of steps
 * @param emaDecay decay of the averaged parameters, in [0, 1); 0 for none
 * @param sampling how often an epoch draws the examples of a class
 */
public record TrainRecipe(
        int batch, int accumulation, long seed, AdamWOptions optimizer, LrSchedule schedule, double emaDecay,
        @JsonIgnore Sampling sampling) { // TrainLoop keeps it: runs that were begun without it know no such setting

    /** Of a run that draws every example once per epoch. */
    public TrainRecipe(
            int batch, int accumulation, long seed, AdamWOptions optimizer, LrSchedule schedule, double emaDecay) {
        this(batch, accumulation, seed, optimizer, schedule, emaDecay, Sampling.SHUFFLED);
    }

    public TrainRecipe {
        Objects.requireNonNull(optimizer, "optimizer");
        Objects.requireNonNull(schedule, "schedule");
        Objects.requireNonNull(sampling, "sampling");
        if (batch < 1) {
            throw new IllegalArgumentException("batch: " + batch + " (expected at least 1)");
        }
        if (accumulation < 1 || batch % accumulation != 0) {
            throw new IllegalArgumentException(
                    "accumulation: " + accumulation + " (expected a divisor of the batch " + batch + ")");
        }
        if (!(emaDecay >= 0 && emaDecay < 1)) {
            throw new IllegalArgumentException("emaDecay: " + emaDecay + " (expected 0 <= emaDecay < 1)");
        }
    }

    /** Pictures per pass. */
    public int microBatch() {
        return batch / accumulation;
    }

    /** Steps of the whole run. */
    public int steps() {
        return schedule.totalSteps();
    }
}
