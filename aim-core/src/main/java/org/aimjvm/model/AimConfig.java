package org.aimjvm.model;

import java.util.List;
import java.util.Objects;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.nn.AttentionConfig;
import org.aimjvm.ssm.Mamba2Config;
import org.aimjvm.ssm.SsmConfig;

/**
 * Architecture of a sequence model; names of the checkpoint's {@code config.json} keys in parentheses. Reading and writing
 * that file is {@link org.aimjvm.checkpoint.AimConfigJson}'s.
 *
 * @param dModel channels of the residual stream (d_model)
 * @param dIntermediate hidden size of the MLP after each mixer, rounded up to a multiple of 128; 0 for none
 *     (d_intermediate)
 * @param nLayer blocks (n_layer)
 * @param vocabSize V, entries of the codebook (vocab_size)
 * @param numClasses classes, without the null class (num_classes)
 * @param numTokens tokens of a picture (num_tokens)
 * @param ssm the state-space mixer of every block that has no attention (ssm_cfg)
 * @param attention the attention of the others, {@code null} if there are none (attn_cfg)
 * @param attentionLayers indices of the blocks with attention (attn_layer_idx)
 * @param rmsNorm RMSNorm in blocks instead of LayerNorm (rms_norm)
 * @param tieEmbeddings whether the head is the word embedding (tie_embeddings)
 * @param adaLnGroup whether blocks share conditioning projections in groups (adaln_group); one group is adaLN-single
 * @param numGroups groups of adaLN-group (num_groups)
 * @param tokenDrop dropout of word embeddings in training (token_drop)
 * @param mixerDrop dropout of mixer outputs in training (mixer_drop)
 * @param mlpDrop dropout of MLP outputs in training (mlp_drop)
 */
public record AimConfig(
        int dModel,
        int dIntermediate,
        int nLayer,
        int vocabSize,
        int numClasses,
        int numTokens,
        SsmConfig ssm,
        AttentionConfig attention,
        List<Integer> attentionLayers,
        boolean rmsNorm,
        boolean tieEmbeddings,
        boolean adaLnGroup,
        int numGroups,
        float tokenDrop,
        float mixerDrop,
        float mlpDrop) {

    /** @throws IllegalArgumentException naming the key that does not fit */
    public AimConfig {
        attentionLayers = List.copyOf(attentionLayers);
        Objects.requireNonNull(ssm, "ssm");
        range("d_model", dModel, 1, 1 << 16);
        range("d_intermediate", dIntermediate, 0, 1 << 20);
        range("n_layer", nLayer, 1, 4096);
        range("vocab_size", vocabSize, 1, 1 << 24);
        range("num_classes", numClasses, 1, 1 << 24);
        range("num_tokens", numTokens, 1, 1 << 20);
        range("num_groups", numGroups, 1, 4096);
        if (ssm.dModel() != dModel) {
            throw new IllegalArgumentException(
                    "ssm_cfg.d_model: " + ssm.dModel() + " (expected d_model " + dModel + ")");
        }
        if (attentionLayers.size() > nLayer) {
            throw new IllegalArgumentException(
                    "attn_layer_idx: " + attentionLayers.size() + " layers (expected at most n_layer " + nLayer + ")");
        }
        for (int i : attentionLayers) {
            range("attn_layer_idx", i, 0, nLayer - 1);
        }
        if (!attentionLayers.isEmpty() && attention == null) {
            throw new IllegalArgumentException(
                    "attn_cfg: missing (expected num_heads, since attn_layer_idx names layers)");
        }
        probability("token_drop", tokenDrop);
        probability("mixer_drop", mixerDrop);
        probability("mlp_drop", mlpDrop);
    }

    private static void range(String key, int value, int min, int max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(key + ": " + value + " (expected " + min + " to " + max + ")");
        }
    }

    private static void probability(String key, float value) {
        if (!(value >= 0 && value < 1)) {
            throw new IllegalArgumentException(key + ": " + value + " (expected 0 <= p < 1)");
        }
    }

    /**
     * A Mamba-2 model for 16x16 codes of 16,384 entries and 1,000 classes, with adaLN in every block ({@code groups} 0) or
     * adaLN-group.
     */
    public static AimConfig mamba2(int dModel, int nLayer, int groups) {
        return new AimConfig(
                dModel, 0, nLayer, 16384, 1000, 256, Mamba2Config.of(dModel), null, List.of(), true, true, groups > 0,
                Math.max(groups, 1), 0, 0, 0);
    }

    /** This architecture for other codes and classes. */
    public AimConfig withData(int newVocabSize, int newNumTokens, int newNumClasses) {
        return new AimConfig(
                dModel, dIntermediate, nLayer, newVocabSize, newNumClasses, newNumTokens, ssm, attention,
                attentionLayers,
                rmsNorm, tieEmbeddings, adaLnGroup, numGroups, tokenDrop, mixerDrop, mlpDrop);
    }

    /** This architecture with another state-space mixer. */
    public AimConfig withSsm(SsmConfig newSsm) {
        return new AimConfig(
                dModel, dIntermediate, nLayer, vocabSize, numClasses, numTokens, newSsm, attention, attentionLayers,
                rmsNorm,
                tieEmbeddings, adaLnGroup, numGroups, tokenDrop, mixerDrop, mlpDrop);
    }

    /** This architecture with other dropouts. */
    public AimConfig withDropout(float newTokenDrop, float newMixerDrop, float newMlpDrop) {
        return new AimConfig(
                dModel, dIntermediate, nLayer, vocabSize, numClasses, numTokens, ssm, attention, attentionLayers,
                rmsNorm,
                tieEmbeddings, adaLnGroup, numGroups, newTokenDrop, newMixerDrop, newMlpDrop);
    }

    /**
     * Fails unless a model of this architecture can hold its states so: those of Mamba-1 are F32, and attention has none.
     *
     * @throws IllegalArgumentException naming the format
     */
    public void checkStates(StateFormat format) {
        boolean recurrent = attentionLayers.stream().distinct().count() < nLayer;
        if (format != StateFormat.F32 && !(recurrent && ssm instanceof Mamba2Config)) {
            throw new IllegalArgumentException("states: " + format
                    + " for a model without Mamba-2 blocks, expected f32 (only their states can be held in fewer bits)");
        }
    }

    /** Index of the null class: the last row of the label table. */
    public int nullClass() {
        return numClasses;
    }

    /** Conditioning vectors per block: shift, scale, gate, each twice with an MLP. */
    public int modulations() {
        return dIntermediate > 0 ? 6 : 3;
    }
}
