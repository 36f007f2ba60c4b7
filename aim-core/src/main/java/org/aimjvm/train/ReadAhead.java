package org.aimjvm.train;

import java.util.Iterator;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.function.Function;

/**
 * Reads batches on a thread of its own while the ones before are trained on, in a fixed order, a few at most. What the
 * reading throws reaches the caller where it asks for that batch.
 *
 * <p>The thread is never interrupted: an interrupt closes files that others may be reading. {@link #close} waits until
 * the batch that is being read is there.
 *
 * @param <B> a batch
 */
final class ReadAhead<B> implements AutoCloseable {
    private static final int BATCHES = 2;

    /**
     * What was read.
     *
     * @param rows of the batch
     */
    record Batch<B>(MicroBatch rows, B content) {}

    /** A batch, or why there is none. */
    private record Read<B>(Batch<B> batch, RuntimeException exception, Error error) {}

    private final BlockingQueue<Read<B>> queue = new ArrayBlockingQueue<>(BATCHES);
    private final Thread thread;
    private volatile boolean closed;

    /**
     * @param order which batches, asked on the reading thread
     * @param read reads one
     */
    ReadAhead(Iterator<MicroBatch> order, Function<MicroBatch, B> read) {
        this.thread = Thread.ofPlatform().daemon().name("aim-batches").start(() -> readAll(order, read));
    }

    private void readAll(Iterator<MicroBatch> order, Function<MicroBatch, B> read) {
        boolean failed = false;
        while (!closed && !failed && order.hasNext()) {
            Read<B> next;
            try {
                MicroBatch rows = order.next();
                next = new Read<>(new Batch<>(rows, read.apply(rows)), null, null);
            } catch (RuntimeException e) { // not swallowed: next() throws them on the thread that trains
                next = new Read<>(null, e, null);
            } catch (Error e) {
                next = new Read<>(null, null, e);
            }
            failed = next.batch == null;
            put(next);
        }
    }

    private void put(Read<B> next) {
        try {
            queue.put(next);
        } catch (InterruptedException e) {
            throw new IllegalStateException("reader of batches: interrupted, expected to be left alone", e);
        }
    }

    /** The next batch, waited for whatever interrupts: the thread is then interrupted again. */
    Batch<B> next() {
        boolean interrupted = false;
        Read<B> next = null;
        while (next == null) {
            try {
                next = queue.take();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (next.exception != null) {
            throw next.exception;
        }
        if (next.error != null) {
            throw next.error;
        }
        return next.batch;
    }

    /** Ends the thread; waits for it, whatever interrupts. */
    @Override
    public void close() {
        closed = true;
        boolean interrupted = false;
        while (thread.isAlive()) {
            queue.clear(); // makes room for what is being put; then the thread sees that it is to end
            try {
                thread.join(10);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
