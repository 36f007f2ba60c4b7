package org.aimjvm.measure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.LimitKernels;
import org.aimjvm.backend.Storage;
import org.aimjvm.cpu.simd.LimitLoops;

/**
 * Measures {@link MachineLimits}. Each round starts all threads at once, on ranges of their own, and takes from the
 * first start to the last end. Holds {@value #MEBIBYTES} MiB, more than caches do; warm after {@link #warmUp}.
 */
public final class LimitMeter {
    /** Memory that is read. */
    public static final int MEBIBYTES = 128;

    private static final String VECTOR_MODULE = "jdk.incubator.vector";
    private static final int FLOATS = MEBIBYTES << 18;
    private static final int PASSES = 4;
    /** Memory of a device that is read: more than its caches hold. */
    private static final int DEVICE_FLOATS = 1 << 28;

    private static final int DEVICE_PASSES = 8;
    /**
     * Floats read or updated by one call, and multiply-adds of one: many short calls, or the loops would stay half
     * compiled.
     */
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
    private final Backend backend;
    private final LimitKernels device; // null: the CPU
    private final Storage deviceMemory;
    private final boolean vector = ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent();
    private final float[] memory;
    private final float[] sink;
    private int calls = 1 << 8;

    /**
     * Of the CPU.
     *
     * @param threads as many as the kernels use, at least 1
     */
    public LimitMeter(int threads) {
        this(null, threads);
    }

    /**
     * Of the device of a backend.
     *
     * @param backend {@code null}: the CPU
     * @param threads if that is the CPU, as many as the kernels use, at least 1
     */
    public LimitMeter(Backend backend, int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads: " + threads + " (expected at least 1)");
        }
        this.threads = threads;
        this.backend = backend;
        this.device = backend == null ? null : backend.limits().orElse(null);
        this.deviceMemory = device == null ? null : backend.allocate(DType.F32, DEVICE_FLOATS);
        this.memory = new float[device == null ? FLOATS : 0];
        if (device != null) {
            backend.fill(deviceMemory, 0, DEVICE_FLOATS, 1f);
        }
        this.sink = new float[threads];
        Arrays.fill(memory, 1f); // so that every page is there
    }

    /** Runs everything until it is compiled, and finds how many multiply-adds make a round. */
    public void warmUp() {
        for (int i = 0; i < WARM_UP_ROUNDS; i++) {
            read();
            update();
            double seconds = secondsOfAdds();
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
        if (device != null) {
            return device.description();
        }
        return vector ? "Vector API, " + LimitLoops.vectorBits() + "-bit" : "plain loops";
    }

    private double read() {
        if (device != null) {
            double seconds = onDevice(() -> device.read(deviceMemory, DEVICE_FLOATS), DEVICE_PASSES);
            return 4.0 * DEVICE_PASSES * DEVICE_FLOATS / seconds;
        }
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
        if (device != null) {
            double seconds = onDevice(() -> device.update(deviceMemory, DEVICE_FLOATS), DEVICE_PASSES);
            return 8.0 * DEVICE_PASSES * DEVICE_FLOATS / seconds;
        }
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
        if (device != null) {
            double[] flops = new double[1];
            double seconds = onDevice(() -> flops[0] = device.multiplyAdd(calls), 1);
            return flops[0] / seconds;
        }
        return threads * calls * flops() / secondsOfAdds();
    }

    private double secondsOfAdds() {
        if (device != null) {
            return onDevice(() -> device.multiplyAdd(calls), 1);
        }
        return time(t -> {
            float sum = 0;
            for (int i = 0; i < calls; i++) {
                sum += vector ? LimitLoops.multiplyAdd(ADDS, 0.5f) : PlainLimitLoops.multiplyAdd(ADDS, 0.5f);
            }
            sink[t] = sum;
        });
    }

    private double onDevice(Runnable work, int times) {
        backend.synchronize();
        long start = System.nanoTime();
        for (int i = 0; i < times; i++) {
            work.run();
        }
        backend.synchronize();
        return 1e-9 * (System.nanoTime() - start);
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
