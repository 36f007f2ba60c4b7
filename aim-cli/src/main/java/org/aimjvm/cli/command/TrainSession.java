package org.aimjvm.cli.command;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.aimjvm.command.Console;
import org.aimjvm.command.StopSignal;
import org.aimjvm.train.RunLock;
import org.aimjvm.train.Trainer;

/**
 * Runs a trainer so that it can be stopped from outside: Ctrl-C or a TERM signal ends it after the step under way, with
 * a checkpoint, and only then the JVM; while the result is written, it ends after that.
 */
final class TrainSession {
    private final Console console;
    private final Trainer trainer;
    private final Path folder;

    TrainSession(Console console, Trainer trainer, Path folder) {
        this.console = console;
        this.trainer = trainer;
        this.folder = folder;
    }

    /**
     * Trains to the end, or until the JVM is told to end.
     *
     * @param checkpoint where to go on, if anywhere
     * @param lock on the run's folder
     * @return whether the last step was reached
     */
    boolean run(Optional<Path> checkpoint, TrainReport report, RunLock lock) {
        checkpoint.ifPresent(trainer::resume);
        CountDownLatch ended = new CountDownLatch(1);
        Thread stopper = new Thread(() -> stopAndWait(ended), "aim-stop");
        Runtime.getRuntime().addShutdownHook(stopper);
        try {
            boolean complete;
            try (report) {
                report.watch(trainer);
                complete = trainer.run(lock);
                report.draw();
            }
            if (!complete) {
                console.err().println("aim: stopped at step " + trainer.step() + ", saved in " + folder
                        + " (go on with the same command and --resume)");
            }
            return complete;
        } finally {
            ended.countDown();
            release(stopper);
        }
    }

    /** Writes a file or folder. */
    @FunctionalInterface
    interface Writing {
        void run() throws IOException;
    }

    /**
     * Writes the run's result with the averaged weights in the model, if the recipe keeps them. A signal to end waits
     * until it is complete: all steps are done, and a result cut short would leave a hidden part of it.
     */
    void writeResult(Writing writing) {
        try (StopSignal stop = new StopSignal()) {
            trainer.withAverages(() -> {
                try {
                    writing.run();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            if (stop.isRequested()) {
                console.err().println("aim: stopped, the result is complete");
            }
        }
    }

    private void stopAndWait(CountDownLatch ended) {
        trainer.stop();
        try {
            ended.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // not expected; then the JVM ends without waiting
        }
    }

    private static void release(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException _) {
            // the JVM is ending: the hook is what waits for us
        }
    }
}
