package org.aimjvm.backend;

/**
 * Draws tokens where the logits are, so that decoding never waits for the host. The counterpart on the host is {@code
 * org.aimjvm.sample.Sampler}, whose rules these kernels follow: the same logits and random numbers give the same
 * tokens, but for sums that differ in their last bits.
 */
public interface SamplingKernels {
    /**
     * Tokens whose probabilities are added up before a draw looks for the one among them; decides the last bits of
     * sums.
     */
    int BLOCK = 64;

    /**
     * How a token is drawn from logits, as {@code org.aimjvm.sample.SamplingOptions} says.
     *
     * @param temperature above 0
     * @param topK 0 for all, 1 is greedy
     * @param topP above 0, at most 1; 1 for all
     * @param minP 0 to 1; 0 for none
     */
    record Filters(float temperature, int topK, float topP, float minP) {}

    /**
     * Where a batch of pictures stands.
     *
     * @param codes I32 (pictures, positions). Modified: element t of each picture set
     * @param tokens output I32 (sequences): what was drawn, for both halves
     * @param rows I32 (sequences): rows of the position table. Modified: each grows by one
     * @param position I32, one element. Modified: grows by one
     */
    record State(Storage codes, Storage tokens, Storage rows, Storage position) {}

    /**
     * What the draws of all positions depend on beside their logits.
     *
     * @param uniforms I32 (pictures, positions, 2), random numbers in [0, 1) as high and low half of a 53-bit integer
     * @param scales F32 (positions), the guidance scales
     * @param forced I32 (positions), a token that is taken instead of a drawn one, or -1
     */
    record Plan(Storage uniforms, Storage scales, Storage forced) {}

    /**
     * Sizes of a batch.
     *
     * @param guided sequences are two halves, the first conditional and the second not; else sequences are pictures
     */
    record Sizes(int pictures, int positions, int vocab, boolean guided) {
        /** Rows of the logits. */
        public int sequences() {
            return guided ? 2 * pictures : pictures;
        }
    }

    /**
     * One position of a batch of pictures, {@code t = position[0]}: guided logits {@code uncond + scales[t] (cond -
     * uncond)}, the filters, and the first token at which the running sum of probabilities exceeds the random number
     * times their total. Then the position grows by one. A picture with a NaN among its logits, or none finite, gets
     * code -1 and goes on with token 0.
     *
     * @param logits (sequences, vocab). Modified: overwritten with scratch
     */
    void draw(State state, Storage logits, Plan plan, Sizes s, Filters filters);
}
