package org.aimjvm.sample;

import org.aimjvm.backend.SamplingKernels;

/**
 * Turns logits into a token. Keeps buffers between calls and allocates nothing, so use one per thread.
 *
 * <p>Top-k works on the logits; the others on {@code exp((l - max) / temperature)}. All is computed in double
 * precision; sums are taken over blocks of {@value #BLOCK} tokens and then over blocks.
 */
public final class Sampler {
    /** Tokens whose probabilities are added up before a draw looks for the one among them. */
    private static final int BLOCK = SamplingKernels.BLOCK;

    private final SamplingOptions options;
    private final int vocab;
    private final float[] probabilities; // not normalised: the greatest is 1
    private final double[] blockSums;
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
        this.blockSums = new double[(vocabSize + BLOCK - 1) / BLOCK];
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
        int last = -1; // the last token with a probability: rounding may leave the threshold unreached
        for (int block = 0; block < blockSums.length; block++) {
            double next = running + blockSums[block];
            if (next > threshold) {
                return find(block * BLOCK, running, threshold);
            }
            last = blockSums[block] > 0 ? block : last;
            running = next;
        }
        return find(last * BLOCK, 0, Double.POSITIVE_INFINITY);
    }

    /**
     * The first token of a block at which the running sum exceeds the threshold, or its last one with a probability.
     */
    private int find(int from, double before, double threshold) {
        double running = before;
        int last = from;
        for (int i = from; i < Math.min(vocab, from + BLOCK); i++) {
            if (probabilities[i] > 0) {
                running += probabilities[i];
                last = i;
                if (running > threshold) {
                    return i;
                }
            }
        }
        return last;
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
        float m0 = Float.NEGATIVE_INFINITY; // several, so that comparisons overlap; NaN once there is one
        float m1 = m0;
        float m2 = m0;
        float m3 = m0;
        int at = offset;
        int end = offset + vocab;
        for (; at <= end - 4; at += 4) {
            m0 = Math.max(m0, logits[at]);
            m1 = Math.max(m1, logits[at + 1]);
            m2 = Math.max(m2, logits[at + 2]);
            m3 = Math.max(m3, logits[at + 3]);
        }
        for (; at < end; at++) {
            m0 = Math.max(m0, logits[at]);
        }
        float max = Math.max(Math.max(m0, m1), Math.max(m2, m3));
        if (Float.isNaN(max)) {
            int i = 0;
            while (!Float.isNaN(logits[offset + i])) {
                i++;
            }
            throw new IllegalArgumentException(
                    "sample: logit " + i + " is NaN (the weights are damaged or training diverged)");
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

    /**
     * Leaves the probabilities of the tokens kept, the greatest 1, and 0 for the others, and their sums. Returns the
     * total.
     */
    private double filter(float[] logits, int offset) {
        float max = greatest(logits, offset);
        float least = leastLogit(logits, offset, max);
        if (options.topK() == 1) {
            for (int i = 0; i < vocab; i++) {
                probabilities[i] = logits[offset + i] == max ? 1 : 0;
            }
        } else {
            computeProbabilities(logits, offset, max, least);
        }
        double total = sumBlocks();
        if (options.topP() < 1) {
            dropTail(total);
            total = sumBlocks();
        }
        if (options.minP() > 0) {
            dropBelow(options.minP());
            total = sumBlocks();
        }
        return total;
    }

    private void computeProbabilities(float[] logits, int offset, float max, float least) {
        double perTemperature = 1 / (double) options.temperature();
        for (int i = 0; i < vocab; i++) {
            float l = logits[offset + i];
            probabilities[i] = l < least ? 0 : (float) NegativeExp.of((l - max) * perTemperature);
        }
    }

    /** Fills the sums of the blocks, each in four parts so that additions overlap. Returns the sum of them all. */
    private double sumBlocks() {
        double total = 0;
        for (int block = 0; block < blockSums.length; block++) {
            int i = block * BLOCK;
            int end = Math.min(vocab, i + BLOCK);
            double s0 = 0;
            double s1 = 0;
            double s2 = 0;
            double s3 = 0;
            for (; i <= end - 4; i += 4) {
                s0 += probabilities[i];
                s1 += probabilities[i + 1];
                s2 += probabilities[i + 2];
                s3 += probabilities[i + 3];
            }
            for (; i < end; i++) {
                s0 += probabilities[i];
            }
            blockSums[block] = s0 + s1 + (s2 + s3);
            total += blockSums[block];
        }
        return total;
    }

    /**
     * Drops a token when the probabilities from the least up to and including it sum to at most 1 - topP, but never the
     * greatest; among equal probabilities the one with the lower index goes first, as in a stable ascending sort.
     */
    private void dropTail(double total) {
        float least = select.leastKept(probabilities, (1 - (double) options.topP()) * total);
        int copiesToDrop = select.copiesBelow();
        for (int i = 0; i < vocab; i++) {
            float p = probabilities[i];
            if (p < least || p == least && copiesToDrop-- > 0) {
                probabilities[i] = 0;
            }
        }
    }

    private void dropBelow(float least) {
        for (int i = 0; i < vocab; i++) {
            probabilities[i] = probabilities[i] < least ? 0 : probabilities[i];
        }
    }
}
