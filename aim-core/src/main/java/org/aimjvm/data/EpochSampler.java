package org.aimjvm.data;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Which examples make up the batch of a step. Every epoch is an order of its own, a pure function of (seed, epoch);
 * the last {@code size mod batch} of it are left out, others each time. So the batch of any step can be asked for.
 * The order is a shuffle of all examples, or one in which the classes are {@linkplain #balanced balanced}.
 */
public final class EpochSampler {
    private final int size;
    private final int batch;
    private final long seed;
    private final int[][] members; // examples by class, of classes that have any; null: not balanced
    private int[] order;
    private int orderEpoch = -1;

    /**
     * Every example at most once per epoch.
     *
     * @param size number of examples
     * @param batch examples per step, from 1 to {@code size}
     */
    public EpochSampler(int size, int batch, long seed) {
        this(size, batch, seed, null);
    }

    private EpochSampler(int size, int batch, long seed, int[][] members) {
        if (batch < 1 || batch > size) {
            throw new IllegalArgumentException("batch: " + batch + " (expected 1 to " + size
                    + ", the number of examples)");
        }
        this.size = size;
        this.batch = batch;
        this.seed = seed;
        this.members = members;
    }

    /**
     * Each class equally often: an epoch is as long as without balance, and is made of rounds. A round draws one example
     * of each class that has any, in a random order of classes; so among the first n draws of an epoch, for any n, the
     * classes' counts differ by at most 1. Within an epoch no example of a class comes again before all others of it
     * have come.
     *
     * @param labels class of each example, from 0. Not modified
     * @param batch examples per step, from 1 to the number of examples
     */
    public static EpochSampler balanced(int[] labels, int batch, long seed) {
        int classes = IntStream.of(labels).max().orElse(-1) + 1;
        int[] counts = new int[classes];
        for (int label : labels) {
            counts[label]++;
        }
        int[][] members = new int[classes][];
        Arrays.setAll(members, c -> new int[counts[c]]);
        for (int i = labels.length - 1; i >= 0; i--) {
            members[labels[i]][--counts[labels[i]]] = i;
        }
        int[][] there = Arrays.stream(members).filter(m -> m.length > 0).toArray(int[][]::new);
        return new EpochSampler(labels.length, batch, seed, there);
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
            order = members == null ? shuffle(size, seed, epoch) : balancedOrder(epoch);
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

    private int[] balancedOrder(int epoch) {
        int[] drawn = new int[size];
        int[] used = new int[members.length];
        int[][] left = new int[members.length][]; // positions within a class, of the pass under way
        int[] round = {};
        for (int i = 0; i < size; i++) {
            int place = i % members.length;
            if (place == 0) {
                round = shuffle(members.length, Draws.bits(seed, Draws.Purpose.BALANCE, epoch, -1), i / members.length);
            }
            int c = round[place];
            int at = used[c] % members[c].length;
            if (at == 0) {
                long classSeed = Draws.bits(seed, Draws.Purpose.BALANCE, epoch, c);
                left[c] = shuffle(members[c].length, classSeed, used[c] / members[c].length);
            }
            drawn[i] = members[c][left[c][at]];
            used[c]++;
        }
        return drawn;
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
