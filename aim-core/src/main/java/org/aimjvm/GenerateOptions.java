package org.aimjvm;

import java.util.List;
import java.util.Objects;
import org.aimjvm.sample.GenerationRequest;
import org.aimjvm.sample.Guidance;
import org.aimjvm.sample.SamplingOptions;

/**
 * Options of generation. Immutable; each {@code with} method returns a changed copy, and every value is checked at
 * once.
 *
 * @param count pictures of each label
 * @param seed seed of the first picture of each label; the next ones take seed + 1, seed + 2, ...
 * @param guidance classifier-free guidance
 * @param sampling how tokens are drawn
 * @param prefix codes forced at the start of each picture, in raster order
 * @param batchSize pictures made side by side; changes speed and memory, not pictures
 */
public record GenerateOptions(
        int count, long seed, Guidance guidance, SamplingOptions sampling, List<Integer> prefix, int batchSize) {
    /** One picture, seed 0, guidance scale 4 as the published samples, no filters, up to 8 side by side. */
    public static final GenerateOptions DEFAULT =
            new GenerateOptions(1, 0, Guidance.PUBLISHED, SamplingOptions.PLAIN, List.of(), 8);

    /** @throws IllegalArgumentException naming the option, what it was and what is expected */
    public GenerateOptions {
        prefix = List.copyOf(prefix);
        Objects.requireNonNull(guidance, "guidance");
        Objects.requireNonNull(sampling, "sampling");
        if (count < 1 || count > GenerationRequest.MAX_PICTURES) {
            throw new IllegalArgumentException(
                    "count: " + count + " (expected 1 to " + GenerationRequest.MAX_PICTURES + ")");
        }
        if (batchSize < 1 || batchSize > GenerationRequest.MAX_BATCH) {
            throw new IllegalArgumentException(
                    "batch: " + batchSize + " (expected 1 to " + GenerationRequest.MAX_BATCH + ")");
        }
    }

    /** Makes {@code newCount} pictures of each label. */
    public GenerateOptions withCount(int newCount) {
        return new GenerateOptions(newCount, seed, guidance, sampling, prefix, batchSize);
    }

    /** Starts at another seed. */
    public GenerateOptions withSeed(long newSeed) {
        return new GenerateOptions(count, newSeed, guidance, sampling, prefix, batchSize);
    }

    /** The same guidance scale for every token; 1 is none. */
    public GenerateOptions withGuidance(float scale) {
        return withGuidance(Guidance.constant(scale));
    }

    /** Another guidance, such as one that grows from the first token to the last. */
    public GenerateOptions withGuidance(Guidance newGuidance) {
        return new GenerateOptions(count, seed, newGuidance, sampling, prefix, batchSize);
    }

    /** Draws tokens in another way; replaces temperature, top-k, top-p and min-p together. */
    public GenerateOptions withSampling(SamplingOptions newSampling) {
        return new GenerateOptions(count, seed, guidance, newSampling, prefix, batchSize);
    }

    /** Divides the logits by {@code temperature}. */
    public GenerateOptions withTemperature(float temperature) {
        return withSampling(new SamplingOptions(temperature, sampling.topK(), sampling.topP(), sampling.minP()));
    }

    /** Draws from the {@code topK} most probable codes; 0 is all, 1 is greedy. */
    public GenerateOptions withTopK(int topK) {
        return withSampling(new SamplingOptions(sampling.temperature(), topK, sampling.topP(), sampling.minP()));
    }

    /** Draws from the most probable codes that make up {@code topP}; 1 is all. */
    public GenerateOptions withTopP(float topP) {
        return withSampling(new SamplingOptions(sampling.temperature(), sampling.topK(), topP, sampling.minP()));
    }

    /** Leaves out codes less probable than {@code minP} times the most probable one; 0 is none. */
    public GenerateOptions withMinP(float minP) {
        return withSampling(new SamplingOptions(sampling.temperature(), sampling.topK(), sampling.topP(), minP));
    }

    /** Codes forced at the start of each picture. */
    public GenerateOptions withPrefix(List<Integer> newPrefix) {
        return new GenerateOptions(count, seed, guidance, sampling, newPrefix, batchSize);
    }

    /** Makes so many pictures side by side. */
    public GenerateOptions withBatchSize(int newBatchSize) {
        return new GenerateOptions(count, seed, guidance, sampling, prefix, newBatchSize);
    }
}
