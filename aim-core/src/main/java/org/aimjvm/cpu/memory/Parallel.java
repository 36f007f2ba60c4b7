package org.aimjvm.cpu.memory;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;

/**
 * Runs the pieces of a range on a fixed set of threads. The pieces depend only on the range and the grain, never on the
 * number of threads, and each is computed by one thread in order, so results are the same for any number of threads.
 * Threads take pieces as they come: one that has lost its core holds up at most the piece it has begun.
 *
 * <p>A launch allocates nothing and makes no system call while the workers are awake. They spin for a short while after
 * each launch, since decoding makes thousands per second, then sleep.
 *
 * <p>A thread's launches can be {@linkplain #capture captured} and replayed without the code that made them.
 */
public final class Parallel {
    /** One piece {@code [from, to)} of a range. */
    @FunctionalInterface
    public interface Body {
        void run(int from, int to);
    }

    /** Spins before sleeping: some 100 microseconds, longer than what a step does on one thread. */
    private static final int SPINS = 4_000;

    /** Spins for the last pieces of others before giving way to whoever keeps them from their core. */
    private static final int PATIENCE = 1_000;

    /** Elements between the counters: each has its own pair of cache lines. */
    private static final int APART = 32;

    /** Counter of the pieces that no thread has taken. Positive only while the fields of the launch are set. */
    private static final int LEFT = APART;

    /** Counter of the pieces that are computed. */
    private static final int DONE = 2 * APART;

    /** First of the flags of sleeping workers. */
    private static final int ASLEEP = 3 * APART;

    private final int threads;
    private final Thread[] workers;
    private final AtomicBoolean busy = new AtomicBoolean();
    private final AtomicIntegerArray counters;
    private final ThreadLocal<Capture> capture = new ThreadLocal<>();

    // The launch under way. Whoever takes a piece may read it: the launch does not end before that piece is done.
    private Body body;
    private int n;
    private int grain;
    private int pieces;
    private volatile Throwable failure;

    /** Starts {@code threads - 1} daemon workers; the caller of {@link #forRange} is the last thread. */
    public Parallel(int threads) {
        this.threads = threads;
        this.workers = new Thread[threads - 1];
        this.counters = new AtomicIntegerArray(ASLEEP + workers.length + APART);
        for (int i = 0; i < workers.length; i++) {
            int index = i;
            workers[i] = new Thread(() -> serve(index), "aim-cpu-" + (i + 1));
            workers[i].setDaemon(true);
            workers[i].start();
        }
    }

    public int threads() {
        return threads;
    }

    /**
     * Calls {@code body} for the pieces {@code [i * grain, min(n, (i + 1) * grain))} of {@code [0, n)} and returns when
     * all are done. Runs on the caller's thread alone when there is one piece, one thread, or a launch is already under
     * way (from a body, or from another thread).
     *
     * <p>A body must find everything it depends on when it runs: it may be captured, and run again when only the
     * contents of the arrays have changed.
     */
    public void forRange(int n, int grain, Body body) {
        if (n <= 0) {
            return;
        }
        Capture c = capture.get();
        if (c == null || c.insideBody) {
            launch(n, grain, body);
            return;
        }
        c.add(n, grain, body);
        c.insideBody = true; // what a body launches is part of it
        try {
            launch(n, grain, body);
        } finally {
            c.insideBody = false;
        }
    }

    /**
     * Runs {@code work} and returns what replays the launches that this thread made in it, in their order. Replaying
     * allocates nothing if the bodies do not.
     *
     * @throws IllegalStateException if this thread is capturing already
     */
    public Runnable capture(Runnable work) {
        if (capture.get() != null) {
            throw new IllegalStateException("capture: inside another capture (expected one at a time)");
        }
        Capture c = new Capture();
        capture.set(c);
        try {
            work.run();
        } finally {
            capture.remove();
        }
        int count = c.count;
        int[] sizes = Arrays.copyOf(c.sizes, 2 * count);
        Body[] bodies = Arrays.copyOf(c.bodies, count);
        return () -> {
            for (int i = 0; i < count; i++) {
                launch(sizes[2 * i], sizes[2 * i + 1], bodies[i]);
            }
        };
    }

    /** Whether this thread is capturing. */
    public boolean isCapturing() {
        return capture.get() != null;
    }

    /**
     * Fails while this thread is capturing: for kernels that compute outside their bodies, which a replay would miss.
     *
     * @throws IllegalStateException naming the kernel
     */
    public void expectNoCapture(String kernel) {
        if (isCapturing()) {
            throw new IllegalStateException(
                    kernel + ": inside a capture (expected one element a sequence, from a state)");
        }
    }

    /** The launches of one thread. */
    private static final class Capture {
        int[] sizes = new int[64]; // n and grain of each
        Body[] bodies = new Body[32];
        int count;
        boolean insideBody;

        void add(int n, int grain, Body body) {
            if (count == bodies.length) {
                bodies = Arrays.copyOf(bodies, 2 * count);
                sizes = Arrays.copyOf(sizes, 4 * count);
            }
            sizes[2 * count] = n;
            sizes[2 * count + 1] = grain;
            bodies[count++] = body;
        }
    }

    private void launch(int n, int grain, Body body) {
        if (n <= grain) {
            body.run(0, n);
        } else if (workers.length == 0 || !busy.compareAndSet(false, true)) {
            for (int from = 0; from < n; from += grain) {
                body.run(from, Math.min(n, from + grain));
            }
        } else {
            try {
                share(n, grain, body);
            } finally {
                busy.set(false);
            }
        }
    }

    private void share(int n, int grain, Body body) {
        this.n = n;
        this.grain = grain;
        this.body = body;
        pieces = (n + grain - 1) / grain;
        counters.setRelease(DONE, 0);
        counters.set(LEFT, pieces); // publishes the launch, and comes before the look at who sleeps
        for (int i = 0; i < workers.length; i++) {
            if (counters.get(ASLEEP + i) != 0) {
                LockSupport.unpark(workers[i]);
            }
        }
        takePieces();
        for (int spins = 0; counters.get(DONE) < pieces; spins++) {
            if (spins < PATIENCE) {
                Thread.onSpinWait();
            } else {
                Thread.yield(); // a worker has lost its core: let it run
            }
        }
        this.body = null; // must not be kept alive by an idle backend
        Throwable f = failure;
        if (f != null) {
            failure = null;
            throwUnchecked(f);
        }
    }

    private static void throwUnchecked(Throwable f) {
        if (f instanceof Error e) {
            throw e;
        }
        throw (RuntimeException) f; // bodies declare no checked exception
    }

    /** Takes pieces while there are any; whether it got one. */
    private boolean takePieces() {
        boolean worked = false;
        for (int left = counters.get(LEFT); left > 0; left = counters.get(LEFT)) {
            if (counters.compareAndSet(LEFT, left, left - 1)) { // the piece is ours, whichever launch it is of
                worked = true;
                int from = (pieces - left) * grain;
                try {
                    body.run(from, Math.min(n, from + grain));
                } catch (RuntimeException | Error e) {
                    failure = e;
                } finally {
                    counters.getAndIncrement(DONE);
                }
            }
        }
        return worked;
    }

    private void serve(int index) {
        int idle = 0;
        while (true) {
            if (takePieces()) {
                idle = 0;
            } else if (++idle < SPINS) {
                Thread.onSpinWait();
            } else {
                counters.set(ASLEEP + index, 1);
                if (counters.get(LEFT) == 0) { // nothing was launched before the flag could be seen
                    LockSupport.park(this);
                }
                counters.set(ASLEEP + index, 0);
                idle = 0;
            }
        }
    }
}
