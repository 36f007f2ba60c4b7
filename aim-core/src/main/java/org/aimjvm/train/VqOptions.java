package org.aimjvm.train;

import java.util.Objects;

/** Settings of stage 1, the tokenizer: what is summed to its loss, and how its codebook is kept in use. */
public final class VqOptions {
    /** Distance between pictures, a mean over all pixels and channels. */
    public enum Reconstruction {
        /** Mean absolute difference. */
        L1,
        /** Mean squared difference. */
        L2
    }

    private final TrainRecipe recipe;
    private final Reconstruction reconstruction;
    private final CodebookOptions codebook;
    private final Origin origin; // null: random weights
    private final PerceptualTerm perceptual;
    private final AdversarialOptions adversarial;

    private VqOptions(Builder b) {
        this.recipe = b.recipe;
        this.reconstruction = b.reconstruction;
        this.codebook = b.codebook;
        this.origin = b.origin;
        this.perceptual = b.perceptual;
        this.adversarial = b.adversarial;
    }

    /** Settings of a run of this recipe: squared differences, {@link CodebookOptions#DEFAULT}. */
    public static Builder builder(TrainRecipe recipe) {
        return new Builder(recipe);
    }

    /** What all stages share. */
    public TrainRecipe recipe() {
        return recipe;
    }

    /** Distance between picture and reconstruction. */
    public Reconstruction reconstruction() {
        return reconstruction;
    }

    /** How the codebook is begun and kept in use. */
    public CodebookOptions codebook() {
        return codebook;
    }

    /** What the model began from, {@code null} if that was random weights. */
    public Origin origin() {
        return origin;
    }

    /** The perceptual part of the loss; {@code null} for none. */
    public PerceptualTerm perceptual() {
        return perceptual;
    }

    /** The discriminator's part; {@code null} for none. */
    public AdversarialOptions adversarial() {
        return adversarial;
    }

    /** Makes {@link VqOptions}; each method sets one of them and returns the builder. */
    public static final class Builder {
        private final TrainRecipe recipe;
        private Reconstruction reconstruction = Reconstruction.L2;
        private CodebookOptions codebook = CodebookOptions.DEFAULT;
        private Origin origin;
        private PerceptualTerm perceptual;
        private AdversarialOptions adversarial;

        private Builder(TrainRecipe recipe) {
            this.recipe = Objects.requireNonNull(recipe, "recipe");
        }

        /** See {@link VqOptions#reconstruction()}. */
        public Builder reconstruction(Reconstruction kind) {
            this.reconstruction = Objects.requireNonNull(kind, "reconstruction");
            return this;
        }

        /** See {@link VqOptions#codebook()}. */
        public Builder codebook(CodebookOptions options) {
            this.codebook = Objects.requireNonNull(options, "codebook");
            return this;
        }

        /**
         * Sets one of {@link #codebook}.
         *
         * @throws IllegalArgumentException if negative
         */
        public Builder reviveAfter(int steps) {
            return codebook(codebook.withReviveAfter(steps));
        }

        /** See {@link VqOptions#origin()}. */
        public Builder origin(Origin start) {
            this.origin = start;
            return this;
        }

        /** See {@link VqOptions#perceptual()}. */
        public Builder perceptual(PerceptualTerm term) {
            this.perceptual = term;
            return this;
        }

        /** See {@link VqOptions#adversarial()}. */
        public Builder adversarial(AdversarialOptions options) {
            this.adversarial = options;
            return this;
        }

        public VqOptions build() {
            return new VqOptions(this);
        }
    }
}
