package org.aimjvm.optim;

import java.util.Objects;
import org.aimjvm.tensor.Tensor;

/**
 * Settings of {@link AdamW}.
 *
 * @param lr peak learning rate, multiplied by {@link LrSchedule#factor}; at least 0
 * @param beta1 decay of the first moment, in [0, 1)
 * @param beta2 decay of the second moment, in [0, 1)
 * @param eps added to the root of the second moment, above 0
 * @param weightDecay decoupled decay per step, in units of the learning rate; at least 0
 * @param decayRule which parameters decay
 * @param clipNorm the largest global gradient norm; 0 switches clipping off
 */
public record AdamWOptions(
        double lr,
        double beta1,
        double beta2,
        double eps,
        double weightDecay,
        DecayRule decayRule,
        double clipNorm) {

    /** Which parameters weight decay applies to. */
    public enum DecayRule {
        /** Those with two or more dimensions: matrices and filters, not biases, norms, A_log, D or dt_bias. */
        BY_DIMENSION, ALL,
        /** What the published models were effectively trained with, see the golden data's README, section 8. */
        NONE;

        /** Whether {@code parameter} decays. */
        boolean applies(Tensor parameter) {
            return switch (this) {
                case ALL -> true;
                case NONE -> false;
                case BY_DIMENSION -> parameter.shape().rank() >= 2;
            };
        }
    }

    public AdamWOptions {
        Objects.requireNonNull(decayRule, "decayRule");
        require(lr >= 0 && lr < Double.POSITIVE_INFINITY, "lr", lr, "a finite number from 0");
        require(beta1 >= 0 && beta1 < 1, "beta1", beta1, "0 <= beta1 < 1");
        require(beta2 >= 0 && beta2 < 1, "beta2", beta2, "0 <= beta2 < 1");
        require(eps > 0 && eps < Double.POSITIVE_INFINITY, "eps", eps, "a finite number above 0");
        require(
                weightDecay >= 0 && weightDecay < Double.POSITIVE_INFINITY,
                "weightDecay",
                weightDecay,
                "a finite number from 0");
        require(
                clipNorm >= 0 && clipNorm < Double.POSITIVE_INFINITY,
                "clipNorm",
                clipNorm,
                "a finite number from 0, 0 for no clipping");
    }

    /** The paper's settings (betas 0.9 and 0.95, clip 1) with the given peak rate, and decay 0.05 by dimension. */
    public static AdamWOptions of(double lr) {
        return new AdamWOptions(lr, 0.9, 0.95, 1e-8, 0.05, DecayRule.BY_DIMENSION, 1);
    }

    private static void require(boolean ok, String name, double value, String expected) {
        if (!ok) {
            throw new IllegalArgumentException(name + ": " + value + " (expected " + expected + ")");
        }
    }
}
