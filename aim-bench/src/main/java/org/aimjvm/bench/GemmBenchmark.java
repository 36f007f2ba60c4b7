package org.aimjvm.bench;

import java.util.concurrent.TimeUnit;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.GemmShape;
import org.aimjvm.backend.Storage;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A linear layer of {@code rows} tokens, {@code in} to {@code out} features: forward, and its two gradients. Shapes:
 * AiM-B's and AiM-XL's in_proj (training and, with 2 or 16 rows, guided decoding steps of 1 or 8 pictures), AiM-B's
 * out_proj and logits, and the embedded model's in_proj. Several copies of the weights take turns where they would
 * otherwise stay in a cache between calls, as they do not while decoding.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Daim.simd.warmup=0"})
public class GemmBenchmark {
    /** Weights in turn: together larger than every cache. */
    private static final int WEIGHT_FLOATS = 1 << 26;

    @Param({"512x3352x768", "256x6448x1536", "1024x768x1536", "8192x840x192", "128x1152x4096",
        "1024x16384x768", "16x3352x768", "16x16384x768", "2x3352x768", "2x6448x1536", "2x16384x768"}) String rowsOutIn;

    private Backend b;
    private int rows;
    private int out;
    private int in;
    private Storage x;
    private Storage y;
    private Storage dx;
    private Storage dw;
    private Storage[] weights;
    private int turn;

    @Setup
    public void setUp() {
        b = Backends.open("vector", Backends.defaultThreads());
        String[] sizes = rowsOutIn.split("x");
        rows = Integer.parseInt(sizes[0]);
        out = Integer.parseInt(sizes[1]);
        in = Integer.parseInt(sizes[2]);
        x = Buffers.random(b, rows * in);
        dx = Buffers.random(b, rows * in);
        y = Buffers.random(b, rows * out);
        dw = Buffers.random(b, out * in);
        weights = new Storage[rows > 64 ? 1 : Math.max(1, WEIGHT_FLOATS / (out * in))];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = Buffers.random(b, out * in);
        }
    }

    private Storage weight() {
        turn = (turn + 1) % weights.length;
        return weights[turn];
    }

    @Benchmark
    public void forward(Work work) {
        b.gemm().gemm(y, x, weight(), GemmShape.transposedB(rows, out, in), false);
        work.product(rows, out, in);
    }

    @Benchmark
    public void gradientOfInput(Work work) {
        b.gemm().gemm(dx, y, weight(), GemmShape.of(rows, in, out), false);
        work.product(rows, in, out);
    }

    @Benchmark
    public void gradientOfWeight(Work work) {
        b.gemm().gemm(dw, y, x, GemmShape.transposedA(out, in, rows), false);
        work.product(rows, in, out);
    }
}
