package org.aimjvm.sample;

import java.util.Arrays;

/**
 * Turns logits into a token. Keeps buffers between calls, so use one per thread.
 */
public final class Sampler {
    private final SamplingOptions options;
    private final float[] probabilities;
    private final float[] sorted;

    /** @param vocabSize V, the number of logits */
    public Sampler(SamplingOptions options, int vocabSize) {
        this.options = options;
        this.probabilities = new float[vocabSize];
        this.sorted = new float[vocabSize];
    }

    /**
     * Draws a token.
     *
     * @param logits array that holds V logits from {@code offset} on. Not modified
     * @param uniform a random number in [0, 1)
     * @throws IllegalArgumentException if a logit is NaN or all are minus infinity
     */
    public int sample(float[] logits, int offset, double uniform) {
        filter(logits, offset);
        double total = 0;
        for (float p : probabilities) {
            total += p;
        }
        double threshold = uniform * total;
        double running = 0;
        int last = -1;
        for (int i = 0; i < probabilities.length; i++) {
            if (probabilities[i] > 0) {
                running += probabilities[i];
                last = i;
                if (running > threshold) {
                    return i;
                }
            }
        }
        return last; // rounding: the running sum may end just short of the threshold
    }

    /** The distribution that {@link #sample} draws from: V probabilities that add up to 1, dropped tokens 0. */
    public float[] distribution(float[] logits, int offset) {
        filter(logits, offset);
        double total = 0;
        for (float p : probabilities) {
            total += p;
        }
        float[] result = new float[probabilities.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = (float) (probabilities[i] / total);
        }
        return result;
    }

    /** Leaves unnormalised probabilities (the greatest is 1) of the tokens kept, 0 for the others. */
    private void filter(float[] logits, int offset) {
        int vocab = probabilities.length;
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
        float least =
                options.topK() > 0 && options.topK() < vocab ? kthLargest(logits, offset) : Float.NEGATIVE_INFINITY;
        for (int i = 0; i < vocab; i++) {
            float l = logits[offset + i];
            probabilities[i] = l < least ? 0 : (float) Math.exp((double) (l - max) / options.temperature());
        }
        if (options.topP() < 1) {
            dropTail();
        }
        if (options.minP() > 0) {
            for (int i = 0; i < vocab; i++) {
                if (probabilities[i] < options.minP()) {
                    probabilities[i] = 0;
                }
            }
        }
    }

    private float kthLargest(float[] logits, int offset) {
        System.arraycopy(logits, offset, sorted, 0, sorted.length);
        Arrays.sort(sorted);
        return sorted[sorted.length - options.topK()];
    }

    /**
     * Drops a token when the probabilities from the least up to and including it sum to at most 1 - topP, but never the
     * greatest; among equal probabilities the one with the lower index goes first, as in a stable ascending sort.
     */
    private void dropTail() {
        System.arraycopy(probabilities, 0, sorted, 0, sorted.length);
        Arrays.sort(sorted);
        double total = 0;
        for (float p : sorted) {
            total += p;
        }
        double limit = (1 - (double) options.topP()) * total;
        double running = 0;
        int dropped = 0;
        while (dropped < sorted.length - 1 && running + sorted[dropped] <= limit) {
            running += sorted[dropped++];
        }
        float least = sorted[dropped]; // least probability kept
        int equalToDrop = 0; // tokens of that probability that fall below the limit
        for (int i = dropped - 1; i >= 0 && sorted[i] == least; i--) {
            equalToDrop++;
        }
        for (int i = 0; i < probabilities.length; i++) {
            if (probabilities[i] < least) {
                probabilities[i] = 0;
            } else if (probabilities[i] == least && equalToDrop > 0) {
                equalToDrop--;
                probabilities[i] = 0;
            }
        }
    }
}
