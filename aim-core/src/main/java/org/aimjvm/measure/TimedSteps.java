package org.aimjvm.measure;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.aimjvm.train.TrainListener;
import org.aimjvm.train.TrainMetrics;
import org.aimjvm.train.Trainer;

/** Times the steps of a training that it stops when it has seen enough. */
final class TimedSteps implements TrainListener {
    /** Steps that are timed, at least. */
    static final int LEAST = 3;

    private final double warmUp;
    private final double seconds;
    private final Runnable afterStep;
    private final List<Double> steps = new ArrayList<>();
    private Trainer trainer;
    private long start;
    private long measuring; // 0: warming up

    private TimedSteps(double warmUp, double seconds, Runnable afterStep) {
        this.warmUp = warmUp;
        this.seconds = seconds;
        this.afterStep = afterStep;
    }

    /**
     * Trains for {@code warmUp} seconds and one step at least, then for {@code seconds} and {@value #LEAST} steps at
     * least.
     *
     * @param trainer makes the trainer, which tells the listener given
     * @param afterStep run after each step, also while warming up
     * @return seconds of the steps after warming up
     */
    static Spread of(double warmUp, double seconds, Function<TrainListener, Trainer> trainer, Runnable afterStep) {
        TimedSteps timed = new TimedSteps(warmUp, seconds, afterStep);
        timed.start = System.nanoTime();
        timed.trainer = trainer.apply(timed);
        timed.trainer.run();
        return Spread.of(timed.steps.stream().mapToDouble(Double::doubleValue).toArray());
    }

    @Override
    public void onStep(TrainMetrics metrics) {
        long now = System.nanoTime();
        if (measuring > 0) {
            steps.add(metrics.seconds());
        } else if (now - start > 1e9 * warmUp) {
            measuring = now;
        }
        if (steps.size() >= LEAST && now - measuring > 1e9 * seconds) {
            trainer.stop();
        }
        afterStep.run();
    }
}
