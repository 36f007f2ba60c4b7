package org.aimjvm.command;

import java.time.Duration;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * Progress of one task on standard error: a bar with rate and remaining time on a terminal, nothing elsewhere. Close it
 * before printing a result.
 */
public final class Progress implements AutoCloseable {
    private static final int REDRAW_MILLIS = 200;

    private final ProgressBar bar; // null: no terminal
    private StopSignal stop; // null: cannot be cut short

    Progress(Console console, String task, long from, long total, String unit, long unitSize) {
        bar = console.interactive()
                ? new ProgressBarBuilder()
                        .setTaskName(task)
                        .setInitialMax(total)
                        .startsFrom(from, Duration.ZERO)
                        .setUnit(" " + unit, unitSize)
                        .setUpdateIntervalMillis(REDRAW_MILLIS)
                        .setStyle(ProgressBarStyle.ASCII)
                        .showSpeed()
                        .setConsumer(new ConsoleProgressBarConsumer(console.err()))
                        .build()
                : null;
    }

    /**
     * From now on, saying that a step is done throws {@link java.util.concurrent.CancellationException} once a stop is
     * requested.
     */
    public Progress until(StopSignal signal) {
        stop = signal;
        return this;
    }

    private void check() {
        if (stop != null) {
            stop.check();
        }
    }

    /** Says that {@code done} steps of the total are done. */
    public void to(long done) {
        check();
        if (bar != null) {
            bar.stepTo(done);
        }
    }

    /** Says that {@code steps} more steps are done. */
    public void advance(long steps) {
        check();
        if (bar != null) {
            bar.stepBy(steps);
        }
    }

    /** Shows {@code text} after the bar, such as the current loss. */
    public void note(String text) {
        if (bar != null) {
            bar.setExtraMessage(", " + text);
        }
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}
