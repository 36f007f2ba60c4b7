package org.aimjvm.command;

import java.io.IOException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;

/**
 * Turns Ctrl-C and a TERM signal into a request to stop: while this is open, the JVM ends only when the work that asks
 * {@link #isRequested} has wound up and closed it.
 */
public final class StopSignal implements AutoCloseable {
    /** What {@link #during} says of work that leaves nothing when it is cut short. */
    public static final String NOTHING = "nothing written";

    /**
     * Work that ends with {@link CancellationException} soon after a stop is requested, and leaves nothing half done.
     */
    @FunctionalInterface
    public interface Work {
        /** @return exit code */
        int run(StopSignal stop) throws IOException;
    }

    /**
     * Runs {@code work}. If it is cut short, says so on standard error before the JVM ends.
     *
     * @param left what is there then, e.g. {@link #NOTHING}
     * @return the exit code of the work; {@link ExitCode#FAILED} if it was cut short
     */
    public static int during(Console console, String left, Work work) throws IOException {
        try (StopSignal stop = new StopSignal()) {
            try {
                return work.run(stop);
            } catch (CancellationException _) {
                console.err().println("aim: stopped, " + left);
                return ExitCode.FAILED;
            }
        }
    }

    private final CountDownLatch woundUp = new CountDownLatch(1);
    private final Thread hook = new Thread(this::stopAndWait, "aim-stop");
    private volatile boolean requested;

    public StopSignal() {
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /** Whether the JVM has been told to end. */
    public boolean isRequested() {
        return requested;
    }

    /** @throws CancellationException if the JVM has been told to end */
    public void check() {
        if (requested) {
            throw new CancellationException("told to end");
        }
    }

    private void stopAndWait() {
        requested = true;
        try {
            woundUp.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // nothing interrupts it; if so, the JVM ends without waiting
        }
    }

    @Override
    public void close() {
        woundUp.countDown();
        if (!requested) {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException _) {
                // the JVM began to end just now; the hook no longer waits
            }
        }
    }
}
