package org.aimjvm.sample;

/**
 * Options of drawing a token from logits. Filters apply in this order, each on what the one before kept.
 *
 * @param temperature logits are divided by it; 1 leaves them as they are
 * @param topK keeps the k greatest logits and all equal to the k-th; 0 for all, 1 is greedy
 * @param topP keeps the most probable tokens until their probabilities reach it, at least one: from the least probable
 *     on, a token goes while the sum of what goes, itself included, is at most 1 - topP; 1 for all
 * @param minP drops tokens less probable than this share of the most probable one; 0 for none
 */
public record SamplingOptions(float temperature, int topK, float topP, float minP) {
    /** Draws from the model's distribution as it is. */
    public static final SamplingOptions PLAIN = new SamplingOptions(1, 0, 1, 0);
    /** Always the most probable token. */
    public static final SamplingOptions GREEDY = new SamplingOptions(1, 1, 1, 0);

    /** @throws IllegalArgumentException naming the option, what it was and what is expected */
    public SamplingOptions {
        if (!(temperature > 0 && temperature <= 1e6f)) {
            throw new IllegalArgumentException(
                    "temperature: " + temperature
                            + " (expected above 0, at most 1e6; for the most probable token use top-k 1)");
        }
        if (topK < 0) {
            throw new IllegalArgumentException("top-k: " + topK + " (expected 0 for all, or at least 1)");
        }
        if (!(topP > 0 && topP <= 1)) {
            throw new IllegalArgumentException("top-p: " + topP + " (expected above 0, at most 1; 1 keeps all)");
        }
        if (!(minP >= 0 && minP <= 1)) {
            throw new IllegalArgumentException("min-p: " + minP + " (expected 0 to 1; 0 keeps all)");
        }
    }
}
