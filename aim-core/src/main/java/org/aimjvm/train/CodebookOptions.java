package org.aimjvm.train;

import java.util.Objects;
import org.aimjvm.vq.Codebook;

/**
 * How the codebook of a tokenizer is begun and kept in use.
 *
 * @param start where the codes are before the first step
 * @param reviveAfter steps after which a code that no latent chose is moved onto a latent of the batch; 0 for never
 * @param restartBelow a code whose uses per step, averaged with decay 0.99, fall below this share of even use (codes of a
 *     batch / size of the codebook) is moved onto a latent of the batch; from 0, never, to below 1. Not together with
 *     {@code reviveAfter}
 * @param gradient what the encoder gets of the decoder's gradient
 * @param projected whether the codes are a frozen random matrix times one learned matrix (SimVQ, Zhu et al. 2024), so
 *     that all move together; what is saved is an ordinary codebook. Not with the other ways to move codes
 */
public record CodebookOptions(
        Start start, int reviveAfter, double restartBelow, Codebook.Gradient gradient, boolean projected) {
    /** Where codes begin. */
    public enum Start {
        /** Uniform in +-1/n, put on the unit sphere where codes are normalised: the published start. */
        UNIFORM,
        /** At the centres of clusters of latents of the first pictures (k-means). */
        KMEANS
    }

    /** What reconstructs best of what was measured (docs/stage1.md): rarely used codes restarted, turned gradients. */
    public static final CodebookOptions DEFAULT =
            new CodebookOptions(Start.UNIFORM, 0, 0.1, Codebook.Gradient.ROTATION, false);

    /** The published trainer's: uniform start, straight gradient, nothing moves codes that are not used. */
    public static final CodebookOptions PUBLISHED =
            new CodebookOptions(Start.UNIFORM, 0, 0, Codebook.Gradient.STRAIGHT, false);

    public CodebookOptions {
        Objects.requireNonNull(start, "start");
        Objects.requireNonNull(gradient, "gradient");
        if (reviveAfter < 0) {
            throw new IllegalArgumentException("reviveAfter: " + reviveAfter + " (expected at least 0)");
        }
        if (!(restartBelow >= 0 && restartBelow < 1)) {
            throw new IllegalArgumentException("restartBelow: " + restartBelow + " (expected 0 to below 1)");
        }
        if (restartBelow > 0 && reviveAfter > 0) {
            throw new IllegalArgumentException("restartBelow: " + restartBelow + " with reviveAfter " + reviveAfter
                    + " (expected one of the two)");
        }
        if (projected && (start != Start.UNIFORM || reviveAfter > 0 || restartBelow > 0)) {
            throw new IllegalArgumentException("projected: with start " + start + ", reviveAfter " + reviveAfter
                    + ", restartBelow " + restartBelow + " (expected UNIFORM, 0 and 0: the codes move together)");
        }
    }

    /** Whether the codes of a new model are replaced before the first step. */
    boolean replacesStart() {
        return projected || start != Start.UNIFORM;
    }

    /**
     * The same for a codebook that is not trained: nothing moves it.
     *
     * @throws IllegalArgumentException if codes are to be replaced
     */
    CodebookOptions still() {
        if (replacesStart()) {
            throw new IllegalArgumentException("codebook: frozen, with start " + start
                    + (projected ? " and a projection" : "") + " (expected the codes it has)");
        }
        return new CodebookOptions(start, 0, 0, gradient, false);
    }

    /** The same where codes are revived after so many steps, 0 for never, and none restarted. */
    public CodebookOptions withReviveAfter(int steps) {
        return new CodebookOptions(start, steps, 0, gradient, projected);
    }
}
