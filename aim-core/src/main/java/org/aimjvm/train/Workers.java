package org.aimjvm.train;

import java.util.Objects;
import org.aimjvm.data.Shard;

/**
 * A worker's place among those that train one model together. A step's batch is split by rank into contiguous rows, and
 * every random number belongs to a row of the whole batch, so that all workers together see the pictures and random
 * numbers that one worker would see. Each holds the whole model, and all hold the same bits of it after every step.
 *
 * <p>Only one of them should write: give the others {@link RunOptions#NONE}.
 *
 * @param shard rank, and number of workers; must divide the batch
 * @param sync how they exchange gradients
 */
public record Workers(Shard shard, GradientSync sync) {
    /** One worker. */
    public static final Workers ALONE = new Workers(Shard.ALL, GradientSync.NONE);

    public Workers {
        Objects.requireNonNull(shard, "shard");
        Objects.requireNonNull(sync, "sync");
        if (shard.of() > 1 && sync == GradientSync.NONE) {
            throw new IllegalArgumentException(
                    "sync: none for worker " + shard + " (expected one that averages gradients)");
        }
    }

    /** Whether anything is exchanged. */
    boolean exchange() {
        return sync != GradientSync.NONE;
    }
}
