package org.aimjvm.bench;

import java.util.concurrent.TimeUnit;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What this machine can do at most, for the shares in docs/performance.md: fused multiply-adds that touch no memory, in
 * FLOP a nanosecond (GFLOP/s at the vector width in use), and reading an array larger than every cache, in bytes a nanosecond
 * (GB/s). Run on as many threads as the kernels use: the scores of all threads add up.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector"})
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Threads(Threads.MAX)
@State(Scope.Thread)
public class MachineLimitsBenchmark {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final int ROUNDS = 100_000;
    /** Independent chains: enough to hide the latency of a fused multiply-add on two units. */
    private static final int CHAINS = 10;
    /** Operations are counted for 16 lanes; multiply the score by width / 512 on machines with narrower vectors. */
    private static final int FLOP = ROUNDS * CHAINS * 16 * 2;

    private static final int FLOATS = 1 << 25;

    private float[] data;
    private float seed;

    /** Fills the array, so that every page is there. */
    @Setup
    public void fill() {
        data = new float[FLOATS];
        for (int i = 0; i < FLOATS; i++) {
            data[i] = i & 7;
        }
        seed = 0.5f;
    }

    /** Ten chains of fused multiply-adds in registers. */
    @Benchmark
    @OperationsPerInvocation(FLOP)
    public float fmaPeak512() {
        FloatVector a = FloatVector.broadcast(F, 0.999f);
        FloatVector b = FloatVector.broadcast(F, seed);
        FloatVector c0 = b;
        FloatVector c1 = b.add(1f);
        FloatVector c2 = b.add(2f);
        FloatVector c3 = b.add(3f);
        FloatVector c4 = b.add(4f);
        FloatVector c5 = b.add(5f);
        FloatVector c6 = b.add(6f);
        FloatVector c7 = b.add(7f);
        FloatVector c8 = b.add(8f);
        FloatVector c9 = b.add(9f);
        for (int i = 0; i < ROUNDS; i++) {
            c0 = c0.fma(a, b);
            c1 = c1.fma(a, b);
            c2 = c2.fma(a, b);
            c3 = c3.fma(a, b);
            c4 = c4.fma(a, b);
            c5 = c5.fma(a, b);
            c6 = c6.fma(a, b);
            c7 = c7.fma(a, b);
            c8 = c8.fma(a, b);
            c9 = c9.fma(a, b);
        }
        FloatVector sum =
                c0.add(c1).add(c2).add(c3).add(c4).add(c5).add(c6).add(c7).add(c8).add(c9);
        return sum.reduceLanes(VectorOperators.ADD);
    }

    /** Reads 128 MiB in order. */
    @Benchmark
    @OperationsPerInvocation(FLOATS * 4)
    public float memoryRead() {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        int lanes = F.length();
        for (int i = 0; i < FLOATS; i += 4 * lanes) {
            s0 = s0.add(FloatVector.fromArray(F, data, i));
            s1 = s1.add(FloatVector.fromArray(F, data, i + lanes));
            s2 = s2.add(FloatVector.fromArray(F, data, i + 2 * lanes));
            s3 = s3.add(FloatVector.fromArray(F, data, i + 3 * lanes));
        }
        return s0.add(s1).add(s2).add(s3).reduceLanes(VectorOperators.ADD);
    }
}
