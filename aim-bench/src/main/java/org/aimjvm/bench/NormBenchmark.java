package org.aimjvm.bench;

import java.util.concurrent.TimeUnit;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.NormKernels.GatedGradients;
import org.aimjvm.backend.NormKernels.GatedShape;
import org.aimjvm.backend.NormKernels.Gradients;
import org.aimjvm.backend.NormKernels.GroupShape;
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

/** Norms of AiM-B's rows (768, gated 1536) in one decoding step and in training, and of VQ-f16's largest pictures. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Daim.simd.warmup=0"})
public class NormBenchmark {
    private static final int DIM = 768;
    private static final int INNER = 1536;
    private static final int CHANNELS = 128;

    @Param({"vector", "scalar"}) String backend;

    /** Rows; the picture has {@code rows} x 16 pixels. */
    @Param({"2", "4096"}) int rows;

    private Backend b;
    private int area;
    private GatedShape gated;
    private GroupShape picture;
    private Storage x;
    private Storage z;
    private Storage dy;
    private Storage out;
    private Storage out2;
    private Storage weight;
    private Storage bias;
    private Storage dWeight;
    private Storage dBias;
    private Storage stats;

    @Setup
    public void setUp() {
        b = Backends.open(backend, Backends.defaultThreads());
        area = rows * 16;
        gated = new GatedShape(rows, INNER, 1, false);
        picture = new GroupShape(1, CHANNELS, area, 32);
        int n = Math.max(rows * INNER, CHANNELS * area);
        x = Buffers.random(b, n);
        z = Buffers.random(b, n);
        dy = Buffers.random(b, n);
        out = Buffers.random(b, n);
        out2 = Buffers.random(b, n);
        weight = Buffers.random(b, INNER);
        bias = Buffers.random(b, INNER);
        dWeight = Buffers.random(b, INNER);
        dBias = Buffers.random(b, INNER);
        stats = Buffers.random(b, 2 * Math.max(rows, 32));
    }

    @Benchmark
    public void rmsNorm(Traffic t) {
        b.norm().rmsNorm(out, stats, x, weight, rows, DIM, 1e-5f);
        t.floats(2L * rows * DIM);
    }

    @Benchmark
    public void rmsNormBackward(Traffic t) {
        b.norm().rmsNormBackward(out, dWeight, dy, x, weight, stats, rows, DIM);
        t.floats(3L * rows * DIM);
    }

    @Benchmark
    public void gatedRmsNorm(Traffic t) {
        b.norm().gatedRmsNorm(out, stats, x, z, weight, gated, 1e-5f);
        t.floats(3L * rows * INNER);
    }

    @Benchmark
    public void gatedRmsNormBackward(Traffic t) {
        b.norm().gatedRmsNormBackward(new GatedGradients(out, out2, dWeight), dy, x, z, weight, stats, gated);
        t.floats(5L * rows * INNER);
    }

    @Benchmark
    public void layerNorm(Traffic t) {
        b.norm().layerNorm(out, stats, x, weight, bias, rows, DIM, 1e-5f);
        t.floats(2L * rows * DIM);
    }

    @Benchmark
    public void layerNormBackward(Traffic t) {
        b.norm().layerNormBackward(new Gradients(out, dWeight, dBias), dy, x, weight, stats, rows, DIM);
        t.floats(3L * rows * DIM);
    }

    @Benchmark
    public void groupNormSilu(Traffic t) {
        b.norm().groupNorm(out, stats, x, weight, bias, picture, 1e-6f, true);
        t.floats(2L * CHANNELS * area);
    }

    @Benchmark
    public void groupNormSiluBackward(Traffic t) {
        b.norm().groupNormBackward(new Gradients(out, dWeight, dBias), dy, x, weight, bias, stats, picture, true);
        t.floats(3L * CHANNELS * area);
    }

    @Benchmark
    public void l2Normalize(Traffic t) {
        b.norm().l2Normalize(out, stats, x, rows, 8, 1e-12f);
        t.floats(2L * rows * 8);
    }
}
