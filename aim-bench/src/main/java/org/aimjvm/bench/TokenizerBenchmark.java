package org.aimjvm.bench;

import java.util.concurrent.TimeUnit;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.Shape;
import org.aimjvm.nn.Params;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** VQ-f16 on one 256x256 picture: 252.7 GFLOP to decode, counting the convolutions directly. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Daim.simd.warmup=0", "-Xmx8g"})
@Warmup(iterations = 2, time = 5)
@Measurement(iterations = 5, time = 5)
@State(Scope.Benchmark)
public class TokenizerBenchmark {
    private static final int SIDE = 16;
    private static final int PIXELS = 256;

    private Backend backend;
    private VqModel model;

    /** Random weights; the time does not depend on their values. */
    @Setup(Level.Trial)
    public void build() {
        backend = Backends.best();
        model = new VqModel(Params.random(backend, 0), VqConfig.f16());
    }

    /** Codes to pixels. */
    @Benchmark
    public int decode() {
        try (org.aimjvm.tensor.Scope _ = org.aimjvm.tensor.Scope.inference()) {
            Tensor codes = Tensor.ofInts(backend, Shape.of(SIDE * SIDE), new int[SIDE * SIDE]);
            return model.decode(codes, 1, SIDE, SIDE).size();
        }
    }

    /** Pixels to codes. */
    @Benchmark
    public int encode() {
        try (org.aimjvm.tensor.Scope _ = org.aimjvm.tensor.Scope.inference()) {
            return model.encode(Tensor.full(backend, Shape.of(1, 3, PIXELS, PIXELS), 0.25f)).size();
        }
    }
}
