package org.aimjvm.measure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.aimjvm.cpu.LimitLoops;

/**
 * Measures {@link MachineLimits}. Each round starts all threads at once, on ranges of their own, and takes from the first start
 * to the last end. Holds {@value #MEBIBYTES} MiB, more than caches do; warm after {@link #warmUp}.
 */
public final class LimitMeter {
    /** Memory that is read. */
    public static final int MEBIBYTES = 128;

    private static final String VECTOR_MODULE = "jdk.incubator.vector";
    private static final int FLOATS = MEBIBYTES << 18;
    private static final int PASSES = 4;
    /** Floats read or updated by one call, and multiply-adds of one: many short calls, or the loops would stay half compiled. */
    private static final int PIECE = 1 << 14;

    private static final int ADDS = 1 << 11;
    private static final int WARM_UP_ROUNDS = 12;
    /** Aimed at by the number of multiply-adds of a round. */
    private static final double ROUND_SECONDS = 0.03;

    /** What one thread does in one round. */
    @FunctionalInterface
    private interface Part {
        void run(int thread);
    }

    private final int threads;
    private final boolean vector = ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent();
    private final float[] memory = new float[FLOATS];
    private final float[] sink;
    private int calls = 1 << 8;

    /** @param threads as many as the kernels use, at least 1 */
    public LimitMeter(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads: " + threads + " (expected at least 1)");
        }
        this.threads = threads;
        this.sink = new float[threads];
        Arrays.fill(memory, 1f); // so that every page is there
    }

    /** Runs everything until it is compiled, and finds how many multiply-adds make a round. */
    public void warmUp() {
        for (int i = 0; i < WARM_UP_ROUNDS; i++) {
            read();
            update();
            double seconds = threads * calls * flops() / multiplyAdd();
            calls = (int) Math.clamp(calls * ROUND_SECONDS / seconds, 1, 1 << 24);
        }
    }

    /** Rounds taken at several times, before and after what is to be compared with them. */
    public final class Rounds {
        private final List<Double> reads = new ArrayList<>();
        private final List<Double> updates = new ArrayList<>();
        private final List<Double> adds = new ArrayList<>();

        /** Takes {@code times} rounds of each kind. Returns this. */
        public Rounds take(int times) {
            for (int i = 0; i < times; i++) {
                reads.add(read());
                updates.add(update());
                adds.add(multiplyAdd());
            }
            return this;
        }

        /** The limits by all rounds taken. */
        public MachineLimits limits() {
            return new MachineLimits(threads, loops(), spread(reads), spread(updates), spread(adds));
        }

        private static Spread spread(List<Double> values) {
            return Spread.of(values.stream().mapToDouble(Double::doubleValue).toArray());
        }
    }

    /** No rounds yet. */
    public Rounds rounds() {
        return new Rounds();
    }

    private String loops() {
        return vector ? "Vector API, " + LimitLoops.vectorBits() + "-bit" : "plain loops";
    }

    private double read() {
        double seconds = time(t -> {
            float sum = 0;
            for (int pass = 0; pass < PASSES; pass++) {
                for (int i = from(t); i < from(t + 1); i += PIECE) {
                    int to = Math.min(i + PIECE, from(t + 1));
                    sum += vector ? LimitLoops.read(memory, i, to) : PlainLimitLoops.read(memory, i, to);
                }
            }
            sink[t] = sum;
        });
        return 4.0 * PASSES * FLOATS / seconds;
    }

    private double update() {
        double seconds = time(t -> {
            for (int pass = 0; pass < PASSES / 2; pass++) {
                for (int i = from(t); i < from(t + 1); i += PIECE) {
                    int to = Math.min(i + PIECE, from(t + 1));
                    if (vector) {
                        LimitLoops.update(memory, i, to);
                    } else {
                        PlainLimitLoops.update(memory, i, to);
                    }
                }
            }
        });
        return 8.0 * (PASSES / 2) * FLOATS / seconds;
    }

    private double multiplyAdd() {
        double seconds = time(t -> {
            float sum = 0;
            for (int i = 0; i < calls; i++) {
                sum += vector ? LimitLoops.multiplyAdd(ADDS, 0.5f) : PlainLimitLoops.multiplyAdd(ADDS, 0.5f);
            }
            sink[t] = sum;
        });
        return threads * calls * flops() / seconds;
    }

    /** Operations of a call. */
    private double flops() {
        return vector ? LimitLoops.flops(ADDS) : PlainLimitLoops.flops(ADDS);
    }

    /** First float of a thread's range: a multiple of 128, which the unrolled loops need. */
    private int from(int thread) {
        return (int) ((long) (FLOATS / 128) * thread / threads) * 128;
    }

    /** Threads wait for each other awake: one that is woken up may be put on the core of the one that woke it. */
    private double time(Part part) {
        long[] starts = new long[threads];
        long[] ends = new long[threads];
        AtomicInteger missing = new AtomicInteger(threads);
        Thread[] workers = new Thread[threads];
        for (int i = 0; i < threads; i++) {
            int t = i;
            workers[i] = new Thread(() -> {
                missing.decrementAndGet();
                while (missing.get() > 0) {
                    Thread.onSpinWait();
                }
                starts[t] = System.nanoTime();
                part.run(t);
                ends[t] = System.nanoTime();
            }, "aim-limits-" + i);
            workers[i].start();
        }
        for (Thread w : workers) {
            join(w);
        }
        return 1e-9 * (Arrays.stream(ends).max().orElseThrow() - Arrays.stream(starts).min().orElseThrow());
    }

    private static void join(Thread worker) {
        try {
            worker.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("limits: interrupted", e);
        }
    }
}
