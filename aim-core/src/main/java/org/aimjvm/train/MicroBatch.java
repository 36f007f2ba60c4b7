package org.aimjvm.train;

/**
 * Which examples one pass of a step is computed from.
 *
 * @param step from 0
 * @param pass number of the pass among this worker's passes of the step, from 0
 * @param firstRow row of the first example in the batch of the whole step, over all workers and passes; random numbers
 *     are drawn by (seed, step, row), so that they do not depend on how a batch is split
 * @param examples indices of the examples, see {@link TrainTask#size}. Not modified
 */
public record MicroBatch(int step, int pass, int firstRow, int[] examples) {

    /** Number of examples. */
    public int size() {
        return examples.length;
    }
}
