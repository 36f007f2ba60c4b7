package org.aimjvm.command;

import java.util.concurrent.CountDownLatch;

/**
 * Turns Ctrl-C and a TERM signal into a request to stop: while this is open, the JVM ends only when the work that asks
 * {@link #isRequested} has wound up and closed it.
 */
public final class StopSignal implements AutoCloseable {
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

    private void stopAndWait() {
        requested = true;
        try {
            woundUp.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // nobody interrupts it; then the JVM ends without waiting
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
