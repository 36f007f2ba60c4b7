package org.aimjvm.vq;

import java.util.List;

/**
 * Architecture of a tokenizer; names of {@code vq_config.json} keys in parentheses. Made by name:
 * {@code VqConfig.builder().ch(64).nEmbed(512).build()}.
 *
 * @param ch base channels (ch)
 * @param chMult channel multipliers of the levels, highest resolution first; each further level halves the sides (ch_mult)
 * @param numResBlocks residual blocks of an encoder level; a decoder level has one more (num_res_blocks)
 * @param zChannels channels of the latent before quantisation (z_channels)
 * @param nEmbed codebook entries (n_embed)
 * @param embedDim dimension of a code (embed_dim)
 * @param inChannels channels of the picture read: 3 RGB, 1 gray (in_channels)
 * @param outChannels channels of the picture written (out_channels)
 * @param normGroups groups of every GroupNorm (norm_groups)
 * @param normEps eps of every GroupNorm (norm_eps)
 * @param l2Norm whether latents and codes are compared on the unit sphere (codebook_l2_norm)
 * @param commitBeta weight of the commitment loss (commit_beta)
 * @param entropyLossRatio weight of the entropy loss, 0 for none (entropy_loss_ratio)
 */
public record VqConfig(
        int ch,
        List<Integer> chMult,
        int numResBlocks,
        int zChannels,
        int nEmbed,
        int embedDim,
        int inChannels,
        int outChannels,
        int normGroups,
        float normEps,
        boolean l2Norm,
        float commitBeta,
        float entropyLossRatio) {

    /** @throws IllegalArgumentException naming the key that does not fit */
    public VqConfig {
        chMult = List.copyOf(chMult);
        range("ch", ch, 1, 1 << 14);
        range("num_res_blocks", numResBlocks, 1, 64);
        range("z_channels", zChannels, 1, 1 << 16);
        range("n_embed", nEmbed, 1, 1 << 24);
        range("embed_dim", embedDim, 1, 1 << 14);
        range("in_channels", inChannels, 1, 64);
        range("out_channels", outChannels, 1, 64);
        range("norm_groups", normGroups, 1, 1 << 14);
        range("ch_mult length", chMult.size(), 1, 12);
        for (int m : chMult) {
            range("ch_mult", m, 1, 256);
            if (ch * m % normGroups != 0) {
                throw new IllegalArgumentException(
                        "ch_mult: " + m + " gives " + ch * m + " channels (expected a multiple of norm_groups "
                                + normGroups + ")");
            }
        }
        if (ch % normGroups != 0) {
            throw new IllegalArgumentException(
                    "ch: " + ch + " (expected a multiple of norm_groups " + normGroups + ")");
        }
        if (!(normEps > 0) || !(commitBeta >= 0) || !(entropyLossRatio >= 0)) {
            throw new IllegalArgumentException(
                    "norm_eps " + normEps + ", commit_beta " + commitBeta + ", entropy_loss_ratio "
                            + entropyLossRatio + " (expected no negative value and norm_eps > 0)");
        }
    }

    private static void range(String key, int value, int min, int max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(key + ": " + value + " (expected " + min + " to " + max + ")");
        }
    }

    /** VQ-f16: 256x256 pictures to 16x16 codes; the tokenizer of the published models. */
    public static VqConfig f16() {
        return builder().build();
    }

    /** VQ-f8: 256x256 pictures to 32x32 codes. */
    public static VqConfig f8() {
        return builder().chMult(List.of(1, 2, 2, 4)).build();
    }

    /**
     * Starts from VQ-f16, of LlamaGen's tokenizers: ch 128, two residual blocks, 256 latent channels, 16,384 codes of dimension
     * 8, RGB.
     */
    public static Builder builder() {
        return new Builder();
    }

    /** Starts from this configuration. */
    public Builder toBuilder() {
        return new Builder(this);
    }

    /** Names of {@link #preset}. */
    public static List<String> presets() {
        return List.of("vq-f16", "vq-f8");
    }

    /**
     * A published architecture.
     *
     * @throws IllegalArgumentException if there is none of that name
     */
    public static VqConfig preset(String name) {
        return switch (name) {
            case "vq-f16" -> f16();
            case "vq-f8" -> f8();
            default -> throw new IllegalArgumentException("preset: " + name + " (expected one of " + presets() + ")");
        };
    }

    /** Pixels per code along a side: 2^(levels - 1). */
    public int downsampling() {
        return 1 << (chMult.size() - 1);
    }

    int channels(int level) {
        return ch * chMult.get(level);
    }

    int levels() {
        return chMult.size();
    }

    /** Makes a configuration by name; what is not named keeps its default. */
    public static final class Builder {
        private int ch = 128;
        private List<Integer> chMult = List.of(1, 1, 2, 2, 4);
        private int numResBlocks = 2;
        private int zChannels = 256;
        private int nEmbed = 16384;
        private int embedDim = 8;
        private int inChannels = 3;
        private int outChannels = 3;
        private int normGroups = 32;
        private float normEps = 1e-6f;
        private boolean l2Norm = true;
        private float commitBeta = 0.25f;
        private float entropyLossRatio;

        private Builder() {
        }

        private Builder(VqConfig c) {
            this.ch = c.ch;
            this.chMult = c.chMult;
            this.numResBlocks = c.numResBlocks;
            this.zChannels = c.zChannels;
            this.nEmbed = c.nEmbed;
            this.embedDim = c.embedDim;
            this.inChannels = c.inChannels;
            this.outChannels = c.outChannels;
            this.normGroups = c.normGroups;
            this.normEps = c.normEps;
            this.l2Norm = c.l2Norm;
            this.commitBeta = c.commitBeta;
            this.entropyLossRatio = c.entropyLossRatio;
        }

        /** Sets {@link VqConfig#ch}. */
        public Builder ch(int value) {
            ch = value;
            return this;
        }

        /** Sets {@link VqConfig#chMult}. */
        public Builder chMult(List<Integer> value) {
            chMult = value;
            return this;
        }

        /** Sets {@link VqConfig#numResBlocks}. */
        public Builder numResBlocks(int value) {
            numResBlocks = value;
            return this;
        }

        /** Sets {@link VqConfig#zChannels}. */
        public Builder zChannels(int value) {
            zChannels = value;
            return this;
        }

        /** Sets {@link VqConfig#nEmbed}. */
        public Builder nEmbed(int value) {
            nEmbed = value;
            return this;
        }

        /** Sets {@link VqConfig#embedDim}. */
        public Builder embedDim(int value) {
            embedDim = value;
            return this;
        }

        /** Sets {@link VqConfig#inChannels} and {@link VqConfig#outChannels}. */
        public Builder channels(int newInChannels, int newOutChannels) {
            inChannels = newInChannels;
            outChannels = newOutChannels;
            return this;
        }

        /** Sets {@link VqConfig#normGroups}. */
        public Builder normGroups(int value) {
            normGroups = value;
            return this;
        }

        /** Sets {@link VqConfig#normEps}. */
        public Builder normEps(float value) {
            normEps = value;
            return this;
        }

        /** Sets {@link VqConfig#l2Norm}. */
        public Builder l2Norm(boolean value) {
            l2Norm = value;
            return this;
        }

        /** Sets {@link VqConfig#commitBeta}. */
        public Builder commitBeta(float value) {
            commitBeta = value;
            return this;
        }

        /** Sets {@link VqConfig#entropyLossRatio}. */
        public Builder entropyLossRatio(float value) {
            entropyLossRatio = value;
            return this;
        }

        /**
         * The configuration.
         *
         * @throws IllegalArgumentException naming what does not fit
         */
        public VqConfig build() {
            return new VqConfig(
                    ch, chMult, numResBlocks, zChannels, nEmbed, embedDim, inChannels, outChannels, normGroups, normEps,
                    l2Norm, commitBeta, entropyLossRatio);
        }
    }
}
