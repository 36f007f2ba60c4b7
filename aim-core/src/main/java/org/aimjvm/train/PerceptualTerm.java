package org.aimjvm.train;

import java.util.Objects;
import org.aimjvm.feature.PerceptualDistance;

/**
 * The perceptual part of stage 1's loss: {@code weight} times the mean distance.
 *
 * @param distance between picture and reconstruction
 * @param weight in the sum
 * @param fromStep step from which it is computed
 */
public record PerceptualTerm(PerceptualDistance distance, double weight, int fromStep) {
    public PerceptualTerm {
        Objects.requireNonNull(distance, "distance");
        if (!(weight >= 0 && weight < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("weight: " + weight + " (expected a finite number from 0)");
        }
        if (fromStep < 0) {
            throw new IllegalArgumentException("fromStep: " + fromStep + " (expected at least 0)");
        }
    }

    /** What decides numbers, for {@link TrainTask#settings}. */
    record Settings(String distance, double weight, int fromStep) {}

    Settings settings() {
        return new Settings(distance.identity(), weight, fromStep);
    }
}
