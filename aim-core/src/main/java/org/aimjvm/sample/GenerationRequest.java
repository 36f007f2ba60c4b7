package org.aimjvm.sample;

import java.util.List;
import java.util.Objects;

/**
 * A request to the {@link Generator}: what to make.
 *
 * @param jobs one entry per picture
 * @param guidance classifier-free guidance
 * @param sampling how tokens are drawn
 * @param prefix tokens forced at the start of every picture, in raster order; may be empty
 * @param batchSize pictures made side by side; does not change them
 */
public record GenerationRequest(
        List<Job> jobs, Guidance guidance, SamplingOptions sampling, List<Integer> prefix, int batchSize) {
    /** Most pictures of one request. */
    public static final int MAX_PICTURES = 10_000_000;
    /** Most pictures made side by side. */
    public static final int MAX_BATCH = 4096;

    /** One picture: its class and its seed. */
    public record Job(int label, long seed) {}

    /** @throws IllegalArgumentException if there is nothing or too much to do, or the batch size is out of range */
    public GenerationRequest {
        Objects.requireNonNull(guidance, "guidance");
        Objects.requireNonNull(sampling, "sampling");
        if (jobs.isEmpty() || jobs.size() > MAX_PICTURES) {
            throw new IllegalArgumentException(
                    "generate: " + jobs.size() + " pictures (expected 1 to " + MAX_PICTURES + ")");
        }
        jobs = List.copyOf(jobs);
        prefix = List.copyOf(prefix);
        if (batchSize < 1 || batchSize > MAX_BATCH) {
            throw new IllegalArgumentException("batch: " + batchSize + " (expected 1 to " + MAX_BATCH + ")");
        }
    }
}
