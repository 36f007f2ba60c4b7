package org.aimjvm.sample;

/**
 * Turns logits into a token. Keeps buffers between calls and allocates nothing, so use one per thread.
 *
 * <p>Top-k works on the logits; the others on {@code exp((l - max) / temperature)}, sums of which are taken in double
 * precision.
 */
public final class Sampler {
    private final SamplingOptions options;
    private final int vocab;
    private final float[] probabilities; // not normalised: the greatest is 1
    private final RadixSelect select = new RadixSelect();

    /**
     * @param vocabSize V, the number of logits
     * @throws IllegalArgumentException if it is not positive
     */
    public Sampler(SamplingOptions options, int vocabSize) {
        if (vocabSize < 1) {
            throw new IllegalArgumentException("vocab_size: " + vocabSize + " (expected at least 1)");
        }
        this.options = options;
        this.vocab = vocabSize;
        this.probabilities = new float[vocabSize];
    }

    /**
     * Draws a token: the first, in the order of the vocabulary, at which the running sum of the probabilities exceeds
     * {@code uniform}.
     *
     * @param logits array that holds V logits from {@code offset} on. Not modified
     * @param uniform a random number in [0, 1)
     * @throws IllegalArgumentException if a logit is NaN or none is finite, or {@code uniform} is out of range
     */
    public int sample(float[] logits, int offset, double uniform) {
        if (!(uniform >= 0 && uniform < 1)) {
            throw new IllegalArgumentException("sample: random number " + uniform + " (expected 0 <= u < 1)");
        }
        double threshold = uniform * filter(logits, offset);
        double running = 0;
        int last = -1;
        for (int i = 0; i < vocab; i++) {
            if (probabilities[i] > 0) {
                running += probabilities[i];
                last = i;
                if (running > threshold) {
                    return i;
                }
            }
        }
        return last; // rounding: uniform * total may be total
    }

    /**
     * The distribution that {@link #sample} draws from.
     *
     * @param logits array that holds V logits from {@code offset} on. Not modified
     * @return V probabilities that add up to 1; 0 for tokens dropped
     * @throws IllegalArgumentException if a logit is NaN or none is finite
     */
    public float[] distribution(float[] logits, int offset) {
        double total = filter(logits, offset);
        float[] result = new float[vocab];
        for (int i = 0; i < vocab; i++) {
            result[i] = (float) (probabilities[i] / total);
        }
        return result;
    }

    private float greatest(float[] logits, int offset) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < vocab; i++) {
            float l = logits[offset + i];
            if (Float.isNaN(l)) {
                throw new IllegalArgumentException(
                        "sample: logit " + i + " is NaN (the weights are damaged or training diverged)");
            }
            max = Math.max(max, l);
        }
        if (Float.isInfinite(max)) {
            throw new IllegalArgumentException("sample: greatest logit is " + max + " (expected a finite number)");
        }
        return max;
    }

    private float leastLogit(float[] logits, int offset, float max) {
        int k = options.topK();
        if (k == 1) {
            return max;
        }
        return k == 0 || k >= vocab ? Float.NEGATIVE_INFINITY : select.kthLargest(logits, offset, vocab, k);
    }

    /** Leaves the probabilities of the tokens kept, the greatest 1, and 0 for the others. Returns their sum. */
    private double filter(float[] logits, int offset) {
        float max = greatest(logits, offset);
        float least = leastLogit(logits, offset, max);
        double total = 0;
        for (int i = 0; i < vocab; i++) {
            float l = logits[offset + i];
            float p = l < least ? 0 : (float) Math.exp((double) (l - max) / options.temperature());
            probabilities[i] = p;
            total += p;
        }
        if (options.topP() < 1) {
            total = dropTail(total);
        }
        return options.minP() > 0 ? dropBelow(options.minP()) : total;
    }

    /**
     * Drops a token when the probabilities from the least up to and including it sum to at most 1 - topP, but never the
     * greatest; among equal probabilities the one with the lower index goes first, as in a stable ascending sort.
     */
    private double dropTail(double total) {
        float least = select.leastKept(probabilities, (1 - (double) options.topP()) * total);
        int copiesToDrop = select.copiesBelow();
        double kept = 0;
        for (int i = 0; i < vocab; i++) {
            float p = probabilities[i];
            if (p < least || p == least && copiesToDrop-- > 0) {
                probabilities[i] = 0;
            } else {
                kept += p;
            }
        }
        return kept;
    }

    private double dropBelow(float least) {
        double kept = 0;
        for (int i = 0; i < vocab; i++) {
            if (probabilities[i] < least) {
                probabilities[i] = 0;
            }
            kept += probabilities[i];
        }
        return kept;
    }
}
