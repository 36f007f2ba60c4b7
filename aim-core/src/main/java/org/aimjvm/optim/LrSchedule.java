package org.aimjvm.optim;

import java.util.Objects;

/**
 * A schedule of the learning rate over a run: a factor on the peak rate, a pure function of the step.
 *
 * <p>With W warm-up and T total steps, steps counted from 0:
 *
 * <pre>
 * step &lt; W:  (step + 1) / W
 * after:     CONSTANT 1,   LINEAR 1 - p,   COSINE (1 + cos(pi p)) / 2,   p = (step - W) / (T - W)
 * </pre>
 *
 * so linear and cosine would reach zero one step after the last. From step T on they are zero.
 *
 * @param kind shape after the warm-up
 * @param warmupSteps W, from 0 to {@code totalSteps}
 * @param totalSteps T, at least 1
 */
public record LrSchedule(Kind kind, int warmupSteps, int totalSteps) {
    /** Shape of the schedule after its warm-up. */
    public enum Kind {
        CONSTANT, LINEAR, COSINE
    }

    public LrSchedule {
        Objects.requireNonNull(kind, "kind");
        if (totalSteps < 1) {
            throw new IllegalArgumentException("totalSteps: " + totalSteps + " (expected at least 1)");
        }
        if (warmupSteps < 0 || warmupSteps > totalSteps) {
            throw new IllegalArgumentException(
                    "warmupSteps: " + warmupSteps + " (expected 0 to totalSteps " + totalSteps + ")");
        }
    }

    /** The factor in [0, 1] for {@code step}, counted from 0. */
    public double factor(int step) {
        if (step < 0) {
            throw new IllegalArgumentException("step: " + step + " (expected at least 0)");
        }
        if (step < warmupSteps) {
            return (step + 1.0) / warmupSteps;
        }
        if (kind == Kind.CONSTANT) {
            return 1;
        }
        if (step >= totalSteps) {
            return 0;
        }
        double p = (double) (step - warmupSteps) / (totalSteps - warmupSteps);
        return kind == Kind.LINEAR ? 1 - p : (1 + Math.cos(Math.PI * p)) / 2;
    }
}
