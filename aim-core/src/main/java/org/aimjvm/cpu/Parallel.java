package org.aimjvm.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * Runs the pieces of a range on a fixed set of threads. The pieces depend only on the range and the grain, never on the
 * number of threads, and each is computed by one thread in order, so results are the same for any number of threads.
 *
 * <p>Workers spin for a short while between calls, since decoding makes thousands of short calls per second, then park.
 */
final class Parallel {
    /** One piece {@code [from, to)} of a range. */
    @FunctionalInterface
    interface Body {
        void run(int from, int to);
    }

    /** Spins before parking: about 50 microseconds, longer than the gap between two kernels of a step. */
    private static final int SPINS = 2_000;

    private final int threads;
    private final Thread[] workers;
    private final AtomicInteger busy = new AtomicInteger();
    private volatile Job job;

    private static final class Job {
        final Body body;
        final int n;
        final int grain;
        final int pieces;
        final AtomicInteger next = new AtomicInteger();
        final AtomicInteger done = new AtomicInteger();
        volatile RuntimeException failure;
        volatile Error error;

        Job(Body body, int n, int grain) {
            this.body = body;
            this.n = n;
            this.grain = grain;
            this.pieces = (n + grain - 1) / grain;
        }

        void work() {
            for (int p = next.getAndIncrement(); p < pieces; p = next.getAndIncrement()) {
                try {
                    int from = p * grain;
                    body.run(from, Math.min(n, from + grain));
                } catch (RuntimeException e) {
                    failure = e;
                } catch (Error e) {
                    error = e;
                } finally {
                    done.incrementAndGet();
                }
            }
        }
    }

    /** Starts {@code threads - 1} daemon workers; the caller of {@link #forRange} is the last thread. */
    Parallel(int threads) {
        this.threads = threads;
        this.workers = new Thread[threads - 1];
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Thread(this::serve, "aim-cpu-" + (i + 1));
            workers[i].setDaemon(true);
            workers[i].start();
        }
    }

    int threads() {
        return threads;
    }

    /**
     * Calls {@code body} for the pieces {@code [i * grain, min(n, (i + 1) * grain))} of {@code [0, n)} and returns when all
     * are done. Runs on the caller's thread alone when there is one piece, one thread, or a call is already under way (from
     * a body, or from another thread).
     */
    void forRange(int n, int grain, Body body) {
        if (n <= 0) {
            return;
        }
        if (workers.length == 0 || n <= grain || !busy.compareAndSet(0, 1)) {
            for (int from = 0; from < n; from += grain) {
                body.run(from, Math.min(n, from + grain));
            }
            return;
        }
        try {
            Job j = new Job(body, n, grain);
            job = j;
            for (Thread w : workers) {
                LockSupport.unpark(w);
            }
            j.work();
            for (int spins = 0; j.done.get() < j.pieces; spins++) {
                if (spins < SPINS) {
                    Thread.onSpinWait();
                } else {
                    Thread.yield(); // a worker has lost its core: let it run
                }
            }
            job = null;
            if (j.error != null) {
                throw j.error;
            }
            if (j.failure != null) {
                throw j.failure;
            }
        } finally {
            busy.set(0);
        }
    }

    private void serve() {
        Job last = null;
        int idle = 0;
        while (true) {
            Job j = job;
            if (j != null && j != last) {
                last = j;
                j.work();
                idle = 0;
            } else if (++idle < SPINS) {
                Thread.onSpinWait();
            } else {
                last = null; // a finished job must not be kept alive by a parked worker
                LockSupport.park(this);
                idle = 0;
            }
        }
    }
}
