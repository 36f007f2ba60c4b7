package org.aimjvm.bench;

import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.aimjvm.cpu.simd.LimitLoops;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The limits of this machine, for the shares in docs/performance.md: the loops that {@code aim bench} times too. Run on
 * as many threads as the kernels use: the scores of all threads add up.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Daim.simd.warmup=0"})
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Threads(Threads.MAX)
@State(Scope.Thread)
public class MachineLimitsBenchmark {
    private static final int ROUNDS = 100_000;
    private static final int FLOATS = 1 << 25;

    private float[] memory;

    /** Fills the array, so that every page is there. */
    @Setup
    public void fill() {
        memory = new float[FLOATS];
        Arrays.fill(memory, 1f);
    }

    /** Fused multiply-adds in registers. */
    @Benchmark
    public float multiplyAdd(Work work) {
        work.flops(LimitLoops.flops(ROUNDS));
        return LimitLoops.multiplyAdd(ROUNDS, 0.5f);
    }

    /** Reads 128 MiB in order. */
    @Benchmark
    public float read(Traffic traffic) {
        traffic.floats(FLOATS);
        return LimitLoops.read(memory, 0, FLOATS);
    }

    /** Reads and writes 128 MiB in order. */
    @Benchmark
    public void update(Traffic traffic) {
        traffic.floats(2L * FLOATS);
        LimitLoops.update(memory, 0, FLOATS);
    }
}
