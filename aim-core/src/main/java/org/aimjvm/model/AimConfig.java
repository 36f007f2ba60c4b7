package org.aimjvm.model;

import java.util.List;
import java.util.Objects;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.nn.AttentionConfig;
import org.aimjvm.ssm.Mamba2Config;
import org.aimjvm.ssm.SsmConfig;

/**
 * Architecture of a sequence model; names of the checkpoint's {@code config.json} keys in parentheses. Reading and writing
 * that file is {@link org.aimjvm.checkpoint.AimConfigJson}'s. Made by name: {@code AimConfig.builder(768)
         .nLayer(24)
         .build()}
         .
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
        return builder(dModel).nLayer(nLayer).groups(groups).build();
    }

    /** This architecture for other codes and classes. */
    public AimConfig withData(int newVocabSize, int newNumTokens, int newNumClasses) {
        return toBuilder().vocabSize(newVocabSize).numTokens(newNumTokens).numClasses(newNumClasses).build();
    }

    /** Starts from the defaults of the original code: 48 blocks of Mamba-2 with adaLN, as {@link #mamba2}. */
    public static Builder builder(int dModel) {
        return new Builder(dModel);
    }

    /** Starts from this configuration. */
    public Builder toBuilder() {
        return new Builder(this);
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

    /** Makes a configuration by name; what is not named keeps its default. */
    public static final class Builder {
        private final int dModel;
        private int dIntermediate;
        private int nLayer = 48;
        private int vocabSize = 16384;
        private int numClasses = 1000;
        private int numTokens = 256;
        private SsmConfig ssm; // null: Mamba-2 with its defaults
        private AttentionConfig attention;
        private List<Integer> attentionLayers = List.of();
        private boolean rmsNorm = true;
        private boolean tieEmbeddings = true;
        private boolean adaLnGroup;
        private int numGroups = 1;
        private float tokenDrop;
        private float mixerDrop;
        private float mlpDrop;

        private Builder(int dModel) {
            this.dModel = dModel;
        }

        private Builder(AimConfig c) {
            this.dModel = c.dModel;
            this.dIntermediate = c.dIntermediate;
            this.nLayer = c.nLayer;
            this.vocabSize = c.vocabSize;
            this.numClasses = c.numClasses;
            this.numTokens = c.numTokens;
            this.ssm = c.ssm;
            this.attention = c.attention;
            this.attentionLayers = c.attentionLayers;
            this.rmsNorm = c.rmsNorm;
            this.tieEmbeddings = c.tieEmbeddings;
            this.adaLnGroup = c.adaLnGroup;
            this.numGroups = c.numGroups;
            this.tokenDrop = c.tokenDrop;
            this.mixerDrop = c.mixerDrop;
            this.mlpDrop = c.mlpDrop;
        }

        /** Sets {@link AimConfig#dIntermediate}. */
        public Builder dIntermediate(int value) {
            dIntermediate = value;
            return this;
        }

        /** Sets {@link AimConfig#nLayer}. */
        public Builder nLayer(int value) {
            nLayer = value;
            return this;
        }

        /** Sets {@link AimConfig#vocabSize}. */
        public Builder vocabSize(int value) {
            vocabSize = value;
            return this;
        }

        /** Sets {@link AimConfig#numClasses}. */
        public Builder numClasses(int value) {
            numClasses = value;
            return this;
        }

        /** Sets {@link AimConfig#numTokens}. */
        public Builder numTokens(int value) {
            numTokens = value;
            return this;
        }

        /** Sets {@link AimConfig#ssm}. */
        public Builder ssm(SsmConfig value) {
            ssm = value;
            return this;
        }

        /** Sets {@link AimConfig#attention} and {@link AimConfig#attentionLayers}. */
        public Builder attention(AttentionConfig newAttention, List<Integer> newAttentionLayers) {
            attention = newAttention;
            attentionLayers = newAttentionLayers;
            return this;
        }

        /** Groups of adaLN-group, 0 for adaLN in every block. */
        public Builder groups(int count) {
            return adaLnGroup(count > 0, Math.max(count, 1));
        }

        /** Sets {@link AimConfig#rmsNorm}. */
        public Builder rmsNorm(boolean value) {
            rmsNorm = value;
            return this;
        }

        /** Sets {@link AimConfig#tieEmbeddings}. */
        public Builder tieEmbeddings(boolean value) {
            tieEmbeddings = value;
            return this;
        }

        /** Sets {@link AimConfig#adaLnGroup} and {@link AimConfig#numGroups}. */
        public Builder adaLnGroup(boolean newAdaLnGroup, int newNumGroups) {
            adaLnGroup = newAdaLnGroup;
            numGroups = newNumGroups;
            return this;
        }

        /** Sets {@link AimConfig#tokenDrop} and {@link AimConfig#mixerDrop} and {@link AimConfig#mlpDrop}. */
        public Builder dropout(float newTokenDrop, float newMixerDrop, float newMlpDrop) {
            tokenDrop = newTokenDrop;
            mixerDrop = newMixerDrop;
            mlpDrop = newMlpDrop;
            return this;
        }

        /**
         * The configuration.
         *
         * @throws IllegalArgumentException naming what does not fit
         */
        public AimConfig build() {
            return new AimConfig(
                    dModel, dIntermediate, nLayer, vocabSize, numClasses, numTokens,
                    ssm == null ? Mamba2Config.of(dModel) : ssm, attention, attentionLayers, rmsNorm, tieEmbeddings,
                    adaLnGroup, numGroups, tokenDrop, mixerDrop, mlpDrop);
        }
    }
}
