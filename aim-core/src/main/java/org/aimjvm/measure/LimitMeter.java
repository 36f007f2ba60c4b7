package org.aimjvm.measure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
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
    private static final int PASSES = 2;
    private static final int WARM_UP_ROUNDS = 12;
    /** Aimed at by the number of multiply-adds of a round. */
    private static final double ROUND_SECONDS = 0.02;

    /** What one thread does in one round. */
    @FunctionalInterface
    private interface Part {
        void run(int thread);
    }

    private final int threads;
    private final boolean vector = ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent();
    private final float[] memory = new float[FLOATS];
    private final float[] sink;
    private int rounds = 1 << 16;

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
            double seconds = flops(rounds) * threads / multiplyAdd();
            rounds = (int) Math.clamp(rounds * ROUND_SECONDS / seconds, 1 << 12, 1 << 28);
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
            for (int pass = 0; pass < PASSES; pass++) {
                sink[t] += vector
                        ? LimitLoops.read(memory, from(t), from(t + 1))
                        : PlainLimitLoops.read(memory, from(t), from(t + 1));
            }
        });
        return 4.0 * PASSES * FLOATS / seconds;
    }

    private double update() {
        double seconds = time(t -> {
            if (vector) {
                LimitLoops.update(memory, from(t), from(t + 1));
            } else {
                PlainLimitLoops.update(memory, from(t), from(t + 1));
            }
        });
        return 8.0 * FLOATS / seconds;
    }

    private double multiplyAdd() {
        double seconds = time(t -> sink[t] += vector
                ? LimitLoops.multiplyAdd(rounds, 0.5f)
                : PlainLimitLoops.multiplyAdd(rounds, 0.5f));
        return threads * flops(rounds) / seconds;
    }

    private double flops(int n) {
        return vector ? LimitLoops.flops(n) : PlainLimitLoops.flops(n);
    }

    /** First float of a thread's range: a multiple of 128, which the unrolled loops need. */
    private int from(int thread) {
        return (int) ((long) (FLOATS / 128) * thread / threads) * 128;
    }

    private double time(Part part) {
        long[] starts = new long[threads];
        long[] ends = new long[threads];
        CyclicBarrier barrier = new CyclicBarrier(threads);
        Thread[] workers = new Thread[threads];
        for (int i = 0; i < threads; i++) {
            int t = i;
            workers[i] = new Thread(() -> {
                await(barrier);
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

    private static void await(CyclicBarrier barrier) {
        try {
            barrier.await();
        } catch (InterruptedException | BrokenBarrierException e) {
            throw new IllegalStateException("limits: interrupted", e);
        }
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
