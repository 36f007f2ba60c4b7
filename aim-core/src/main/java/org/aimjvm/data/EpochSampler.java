package org.aimjvm.data;

import java.util.Arrays;

/**
 * Which examples make up the batch of a step. Every epoch is a shuffle of its own, a pure function of (seed, epoch);
 * the last {@code size mod batch} examples of a shuffle are left out, others each time. So the batch of any step can be
 * asked for.
 */
public final class EpochSampler {
    private final int size;
    private final int batch;
    private final long seed;
    private int[] order;
    private int orderEpoch = -1;

    /**
     * @param size number of examples
     * @param batch examples per step, from 1 to {@code size}
     */
    public EpochSampler(int size, int batch, long seed) {
        if (batch < 1 || batch > size) {
            throw new IllegalArgumentException("batch: " + batch + " (expected 1 to " + size
                    + ", the number of examples)");
        }
        this.size = size;
        this.batch = batch;
        this.seed = seed;
    }

    /** Steps in an epoch: {@code floor(size / batch)}. */
    public int stepsPerEpoch() {
        return size / batch;
    }

    /** The epoch, from 0, that {@code step}, from 0, belongs to. */
    public int epoch(int step) {
        return step / stepsPerEpoch();
    }

    /** Indices of the examples of {@code step}, counted from 0, as a new array. */
    public int[] indices(int step) {
        if (step < 0) {
            throw new IllegalArgumentException("step: " + step + " (expected at least 0)");
        }
        int epoch = epoch(step);
        if (epoch != orderEpoch) {
            order = shuffle(size, seed, epoch);
            orderEpoch = epoch;
        }
        int from = step % stepsPerEpoch() * batch;
        int[] indices = new int[batch];
        System.arraycopy(order, from, indices, 0, batch);
        return indices;
    }

    /**
     * The share of a worker in the batch of {@code step}: {@link #indices(int)} from {@code shard.from(batch)} to
     * {@code shard.to(batch)}. All shares together, in the order of ranks, are the batch that one worker would have.
     *
     * @return a new array, empty if there are more shards than examples in a batch and this is one of those left over
     */
    public int[] indices(int step, Shard shard) {
        return Arrays.copyOfRange(indices(step), shard.from(batch), shard.to(batch));
    }

    /** The numbers 0 to {@code size - 1} in an order that depends on (seed, epoch) alone (Fisher and Yates). */
    public static int[] shuffle(int size, long seed, int epoch) {
        int[] order = new int[size];
        for (int i = 0; i < size; i++) {
            int j = Draws.below(Draws.bits(seed, Draws.Purpose.SHUFFLE, epoch, i), i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }
}
