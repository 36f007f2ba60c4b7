package org.aimjvm.cli.command;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;
import java.util.function.Supplier;
import org.aimjvm.cli.output.LossPlot;
import org.aimjvm.command.Console;
import org.aimjvm.command.Progress;
import org.aimjvm.command.RunFolderOptions;
import org.aimjvm.io.Images;
import org.aimjvm.train.MetricsCsv;
import org.aimjvm.train.TrainListener;
import org.aimjvm.train.TrainMetrics;
import org.aimjvm.train.Trainer;

/**
 * What one sees of a training run: a bar on a terminal, a line now and then elsewhere, and in the run's folder the
 * table of measures, the loss curve and sample pictures.
 */
final class TrainReport implements TrainListener, AutoCloseable {
    private static final String METRICS = "metrics.csv";
    private static final String CURVE = "loss.png";
    private static final String SAMPLES = "samples";

    private final Console console;
    private final Path folder;
    private final String title;
    private final long reportNanos; // 0: no lines
    private final Supplier<BufferedImage> samples; // null: none can be made
    private Supplier<Map<String, Double>> before; // null: nothing is measured before the first step
    private List<String> columns;
    private MetricsCsv table;
    private Progress bar;
    private int totalSteps;
    private int batch;
    private long lastReport;
    private int lastStep;
    private String validated = ""; // the newest measure, as text after the loss

    /**
     * @param title what is trained, for bar and curve
     * @param samples makes a grid of pictures with the model as it is; null for none
     */
    TrainReport(Console console, RunFolderOptions run, String title, Supplier<BufferedImage> samples) {
        this.console = console;
        this.folder = run.folder();
        this.title = title;
        this.reportNanos = console.interactive() ? 0 : Duration.ofSeconds(run.reportEvery()).toNanos();
        this.samples = samples;
    }

    /** Tells the columns; call before the trainer runs. */
    void watch(Trainer trainer) {
        columns = trainer.columns();
    }

    /** Has a run that begins anew validated before its first step. */
    void measureBefore(Supplier<Map<String, Double>> validation) {
        before = validation;
    }

    @Override
    public void onStart(int firstStep, int total, int stepsPerEpoch, int examplesPerStep) {
        table = MetricsCsv.open(folder.resolve(METRICS), columns, firstStep);
        totalSteps = total;
        batch = examplesPerStep;
        bar = console.progress(title, (long) firstStep * batch, (long) total * batch, "img");
        lastReport = System.nanoTime();
        lastStep = firstStep;
        if (firstStep == 0 && before != null) {
            onValidation(0, before.get());
        }
    }

    @Override
    public void onStep(TrainMetrics m) {
        table.add(m.step(), Trainer.row(m));
        bar.to((long) m.step() * batch);
        bar.note(String.format(Locale.ROOT, "loss %.4f", m.loss()) + validated);
        long now = System.nanoTime();
        if (reportNanos > 0 && (now - lastReport >= reportNanos || m.step() == totalSteps)) {
            double stepsPerSecond = (m.step() - lastStep) / ((now - lastReport) * 1e-9);
            Duration left = Duration.ofSeconds(Math.round((totalSteps - m.step()) / stepsPerSecond));
            console.err().printf(Locale.ROOT,
                    "%s: step %d of %d, epoch %d, loss %.4f, lr %.2e, %.1f images/s, %s left%n",
                    title, m.step(), totalSteps, m.epoch(), m.loss(), m.lr(), stepsPerSecond * batch, clock(left));
            lastReport = now;
            lastStep = m.step();
        }
    }

    private static String clock(Duration d) {
        return String.format(Locale.ROOT, "%d:%02d:%02d", d.toHours(), d.toMinutesPart(), d.toSecondsPart());
    }

    @Override
    public void onValidation(int step, Map<String, Double> values) {
        if (values.isEmpty()) {
            return;
        }
        table.add(step, Trainer.validationRow(values));
        StringJoiner text = new StringJoiner(", ");
        values.forEach((name, value) -> text.add(String.format(Locale.ROOT, "%s %.4f", name, value)));
        validated = ", validation " + text.toString().split(",", 2)[0]; // a bar has no room for all
        if (reportNanos > 0) {
            console.err().println(title + ": step " + step + ", validation " + text);
        }
    }

    @Override
    public void onSample(int step) {
        if (samples == null) {
            return;
        }
        try {
            Images.writePng(folder.resolve(SAMPLES).resolve(String.format(Locale.ROOT, "step-%08d.png", step)),
                    samples.get());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void onCheckpoint(int step, Path checkpoint) {
        draw();
    }

    /** Draws the curve as it now is. */
    void draw() {
        try {
            LossPlot.write(folder.resolve(METRICS), folder.resolve(CURVE), title);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
        if (table != null) {
            table.close();
        }
    }
}
