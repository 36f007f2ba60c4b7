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
    private Read<B> last; // nothing follows it
    private volatile boolean closed;

    /**
     * @param order which batches, asked on the reading thread
     * @param read reads one
     */
    ReadAhead(Iterator<MicroBatch> order, Function<MicroBatch, B> read) {
        this.thread = Thread.ofPlatform().daemon().name("aim-batches").start(() -> readAll(order, read));
    }

    private void readAll(Iterator<MicroBatch> order, Function<MicroBatch, B> read) {
        boolean ended = false;
        while (!closed && !ended) {
            Read<B> next = readNext(order, read);
            ended = next.batch == null;
            put(next);
        }
    }

    /** All that can fail is in here, the order of an epoch and its end too: next() would wait forever otherwise. */
    private static <B> Read<B> readNext(Iterator<MicroBatch> order, Function<MicroBatch, B> read) {
        try {
            MicroBatch rows = order.next();
            return new Read<>(new Batch<>(rows, read.apply(rows)), null, null);
        } catch (RuntimeException e) { // not swallowed: next() throws them on the thread that trains
            return new Read<>(null, e, null);
        } catch (Error e) {
            return new Read<>(null, null, e);
        }
    }

    private void put(Read<B> next) {
        try {
            queue.put(next);
        } catch (InterruptedException e) {
            throw new IllegalStateException("reader of batches: interrupted, expected to be left alone", e);
        }
    }

    /**
     * The next batch, waited for whatever interrupts: the thread is then interrupted again. What the reading threw is
     * thrown again at each further call.
     *
     * @throws java.util.NoSuchElementException after the last batch
     */
    Batch<B> next() {
        boolean interrupted = false;
        Read<B> next = last;
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
        if (next.batch == null) {
            last = next;
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
