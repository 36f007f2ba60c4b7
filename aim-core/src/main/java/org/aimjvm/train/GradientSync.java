package org.aimjvm.train;

import java.util.Map;
import org.aimjvm.tensor.Tensor;

/**
 * The exchange of workers that train one model together, in every step between the backward passes and the update. Each
 * worker calls the same methods in the same order, with the same names and sizes; a call returns when all have called
 * it. If a worker fails, the calls of the others must end with an exception.
 *
 * <p>Sums go over the workers in the order of their ranks, so that all get the same bits, and equal runs equal ones.
 */
public interface GradientSync {
    /** One worker alone: changes nothing. */
    GradientSync NONE = new GradientSync() {
        @Override
        public void average(int step, String player, Map<String, Tensor> gradients) {
            // the mean over one worker
        }

        @Override
        public double[] gather(int step, String what, double[] mine) {
            return mine;
        }
    };

    /**
     * Replaces each gradient by its mean over the workers.
     *
     * @param step from 0
     * @param player whose gradients these are, see {@link Player#name}
     * @param gradients F32, by parameter name, in the same order for every worker. Modified
     */
    void average(int step, String player, Map<String, Tensor> gradients);

    /**
     * The values of all workers, in the order of their ranks: measures, and what a task decides by.
     *
     * @param step from 0
     * @param what name of the values
     * @param mine this worker's, as many as every other worker's. Not modified
     * @return as many values for each worker; may be {@code mine} itself where there is one
     */
    double[] gather(int step, String what, double[] mine);
}
