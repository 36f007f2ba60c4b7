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

    /**
     * One picture.
     *
     * @param label its class
     * @param seed its seed
     * @param forced for each token the code that is taken, or {@link #DRAWN}; {@code null} if all are drawn. Such jobs
     *     are drawn by the host, on a device too. Not modified
     */
    public record Job(int label, long seed, int[] forced) {
        /** In {@link #forced}: the token is drawn. */
        public static final int DRAWN = -1;

        /** A picture of which no token but the prefix is forced. */
        public Job(int label, long seed) {
            this(label, seed, null);
        }
    }

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
        if (!prefix.isEmpty() && jobs.stream().anyMatch(j -> j.forced() != null)) {
            throw new IllegalArgumentException("prefix: " + prefix.size()
                    + " tokens, given with pictures that have forced tokens of their own (expected one of the two)");
        }
        if (batchSize < 1 || batchSize > MAX_BATCH) {
            throw new IllegalArgumentException("batch: " + batchSize + " (expected 1 to " + MAX_BATCH + ")");
        }
    }
}
