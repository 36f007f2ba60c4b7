package org.aimjvm.measure;

import java.util.ArrayList;
import java.util.List;

/**
 * Times of codes that were drawn one after another.
 *
 * @param tokens codes of a picture
 * @param first seconds to the first code of each run: labels to modulations, and one step
 * @param steps seconds of the other steps, in the order they were made
 * @param positions of those steps, from 1
 * @param whole seconds of the runs that drew all codes
 */
public record DecodeTimes(int tokens, List<Double> first, List<Double> steps, List<Integer> positions,
        List<Double> whole) {
    /** Halves of a run may differ so much, a machine's own noise, and still pass for equal. */
    private static final double TOLERANCE = 0.15;
    private static final int LEAST_STEPS = 16;

    /** Median and spread of the steps. */
    public Spread step() {
        return spread(steps);
    }

    /**
     * Median time of all codes: measured if a run drew them all, else by steps that take the same time at every
     * position.
     */
    public double secondsOfAll() {
        return whole.isEmpty()
                ? spread(first).median() + (tokens - 1) * step().median()
                : spread(whole).median();
    }

    /** Whether {@link #secondsOfAll} is an estimate from fewer codes. */
    public boolean isExtrapolated() {
        return whole.isEmpty();
    }

    /** Whether later positions take as long as earlier ones, by medians of the two halves of all positions seen. */
    public boolean isFlat() {
        if (steps.size() < LEAST_STEPS) {
            return false;
        }
        List<Integer> sorted = positions.stream().sorted().toList();
        int middle = sorted.get(sorted.size() / 2);
        List<Double> early = new ArrayList<>();
        List<Double> late = new ArrayList<>();
        for (int i = 0; i < steps.size(); i++) {
            (positions.get(i) < middle ? early : late).add(steps.get(i));
        }
        return late.isEmpty() || early.isEmpty()
                || Math.abs(spread(late).median() / spread(early).median() - 1) <= TOLERANCE;
    }

    private static Spread spread(List<Double> values) {
        return Spread.of(values.stream().mapToDouble(Double::doubleValue).toArray());
    }
}
