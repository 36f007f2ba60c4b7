package org.aimjvm.examples;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.aimjvm.train.TrainListener;
import org.aimjvm.train.TrainMetrics;

/**
 * Keeps the loss of every step of a training run, and prints some. Progress bars, plots and CSV files listen in the
 * same way.
 */
final class Losses implements TrainListener {
    private final String what;
    private final int every;
    private final List<Double> values = new ArrayList<>();

    /** @param every steps between two lines */
    Losses(String what, int every) {
        this.what = what;
        this.every = every;
    }

    @Override
    public void onStep(TrainMetrics m) {
        values.add(m.loss());
        if (m.step() % every == 0) {
            System.out.printf(Locale.ROOT, "%s: step %d, loss %.4f, %.2f s%n", what, m.step(), m.loss(), m.seconds());
        }
    }

    /** By step. */
    List<Double> values() {
        return List.copyOf(values);
    }
}
