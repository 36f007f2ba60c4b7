package org.aimjvm.train;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;
import org.aimjvm.optim.AdamWOptions;
import org.aimjvm.vq.AdversarialLoss;

/**
 * How a discriminator takes part in stage 1.
 *
 * @param loss what both sides make small
 * @param weight of the generator's loss in the sum; 0.5 in the published recipe for a million pictures, less for fewer
 * @param fromStep step from which the discriminator is trained
 * @param warmup steps that it is trained before its judgement counts for the tokenizer
 * @param adaptive whether {@code weight} is multiplied by {@link AdversarialLoss#adaptiveWeight}
 * @param width channels of the discriminator's first convolution
 * @param layers its convolutions of stride 2
 * @param optimizer settings of its AdamW
 * @param leCam weight of LeCAM's regulariser (Tseng et al. 2021), 0 for none: {@code mean relu(real - F)^2 + mean relu(R
 *     - fake)^2} with F and R the averages, decay 0.999, of the logits of generated and of real pictures
 * @param augment what is changed in the pictures that it sees
 * @param divergence the run is stopped when the reconstruction loss, averaged with decay 0.98, stays above this many
 *     times its least value for {@link #PATIENCE} steps; 0 for never
 */
public record AdversarialOptions(
        AdversarialLoss loss, double weight, int fromStep, int warmup, boolean adaptive, int width, int layers,
        AdamWOptions optimizer, double leCam, Set<DiffAugment.Kind> augment, double divergence) {
    /** Steps that a reconstruction must be bad for to be given up. */
    public static final int PATIENCE = 200;

    public AdversarialOptions {
        Objects.requireNonNull(loss, "loss");
        Objects.requireNonNull(optimizer, "optimizer");
        // in the order of the enum: a checkpoint is compared with what is asked for, by another process
        augment = Collections.unmodifiableSet(
                augment.isEmpty() ? EnumSet.noneOf(DiffAugment.Kind.class) : EnumSet.copyOf(augment));
        require(weight >= 0 && weight < Double.POSITIVE_INFINITY, "weight", weight, "a finite number from 0");
        require(leCam >= 0 && leCam < Double.POSITIVE_INFINITY, "leCam", leCam, "a finite number from 0");
        require(fromStep >= 0, "fromStep", fromStep, "at least 0");
        require(warmup >= 0, "warmup", warmup, "at least 0");
        require(
                divergence == 0 || divergence > 1 && divergence < Double.POSITIVE_INFINITY, "divergence", divergence,
                "a number above 1, or 0 for never");
    }

    private static void require(boolean ok, String name, double value, String expected) {
        if (!ok) {
            throw new IllegalArgumentException(name + ": " + value + " (expected " + expected + ")");
        }
    }

    /**
     * Hinge loss of weight 0.1 from the start, fixed; the published discriminator trained with Adam (betas 0.5 and 0.9)
     * without decay; no LeCAM and no augmentation; divergence at 4.
     *
     * @param lr learning rate of the discriminator
     */
    public static AdversarialOptions of(double lr) {
        return new AdversarialOptions(
                AdversarialLoss.HINGE, 0.1, 0, 0, false, 64, 3,
                new AdamWOptions(lr, 0.5, 0.9, 1e-8, 0, AdamWOptions.DecayRule.NONE, 1), 0, Set.of(), 4);
    }

    /** The step from which the discriminator's judgement counts. */
    public int countsFrom() {
        return (int) Math.min(Integer.MAX_VALUE, (long) fromStep + warmup);
    }
}
