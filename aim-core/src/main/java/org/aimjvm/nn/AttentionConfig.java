package org.aimjvm.nn;

/**
 * Arguments of a causal self-attention layer; names of the checkpoint's {@code attn_cfg} keys in parentheses.
 *
 * @param dModel input and output channels
 * @param numHeads query heads (num_heads)
 * @param numHeadsKv key and value heads, a divisor of numHeads (num_heads_kv)
 * @param headDim channels of a head (head_dim)
 * @param qkvBias whether the input projection has a bias (qkv_proj_bias)
 * @param outBias whether the output projection has one (out_proj_bias)
 */
public record AttentionConfig(int dModel, int numHeads, int numHeadsKv, int headDim, boolean qkvBias, boolean outBias) {

    /** @throws IllegalArgumentException naming the argument that does not fit */
    public AttentionConfig {
        if (numHeads < 1 || numHeads > 1 << 16) {
            throw new IllegalArgumentException("attn_cfg.num_heads: " + numHeads + " (expected 1 to 65536)");
        }
        if (numHeadsKv < 1 || numHeads % numHeadsKv != 0) {
            throw new IllegalArgumentException(
                    "attn_cfg.num_heads_kv: " + numHeadsKv + " (expected a divisor of num_heads " + numHeads + ")");
        }
        if (headDim < 1 || (long) numHeads * headDim > 1 << 24) {
            throw new IllegalArgumentException(
                    "attn_cfg.head_dim: " + headDim + " (expected 1 to " + (1 << 24) / numHeads + ")");
        }
    }

    /** {@code numHeads} heads of {@code dModel / numHeads} channels, with biases: the defaults of the original code. */
    public static AttentionConfig of(int dModel, int numHeads) {
        if (numHeads < 1 || dModel % numHeads != 0) {
            throw new IllegalArgumentException(
                    "attn_cfg.num_heads: " + numHeads + " (expected a divisor of d_model " + dModel + ")");
        }
        return new AttentionConfig(dModel, numHeads, numHeads, dModel / numHeads, true, true);
    }
}
