package org.aimjvm.sample;

import java.util.List;

/**
 * What to make.
 *
 * @param jobs one entry a picture
 * @param guidance classifier-free guidance
 * @param sampling how tokens are drawn
 * @param prefix tokens forced at the start of every picture, in raster order; may be empty
 * @param batchSize pictures made side by side; does not change them
 */
public record GenerationRequest(
        List<Job> jobs, Guidance guidance, SamplingOptions sampling, List<Integer> prefix, int batchSize) {

    /** One picture: its class and its seed. */
    public record Job(int label, long seed) {}

    /** @throws IllegalArgumentException if there is nothing to do or the batch size is not positive */
    public GenerationRequest {
        jobs = List.copyOf(jobs);
        prefix = List.copyOf(prefix);
        if (jobs.isEmpty()) {
            throw new IllegalArgumentException("generate: no pictures asked for (expected at least one label)");
        }
        if (batchSize < 1 || batchSize > 4096) {
            throw new IllegalArgumentException("batch: " + batchSize + " (expected 1 to 4096)");
        }
    }
}
