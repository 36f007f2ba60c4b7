package org.aimjvm.bench;

import java.util.concurrent.TimeUnit;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.ElementwiseKernels.ModulateGradients;
import org.aimjvm.backend.ElementwiseKernels.Unary;
import org.aimjvm.backend.OptimKernels.AdamWStep;
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

/** Pointwise, index and optimiser kernels on the activations of AiM-B: one decoding step, and 16 sequences of 256. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Daim.simd.warmup=0"})
public class ElementwiseBenchmark {
    private static final int DIM = 768;
    private static final int VOCAB = 16384;

    @Param({"vector", "scalar"}) String backend;

    /** Sequences x length. */
    @Param({"2x1", "16x256"}) String size;

    private Backend b;
    private int batch;
    private int length;
    private int n;
    private Storage x;
    private Storage y;
    private Storage z;
    private Storage out;
    private Storage row;
    private Storage shift;
    private Storage scale;
    private Storage dShift;
    private Storage dScale;
    private Storage table;
    private Storage ids;

    @Setup
    public void setUp() {
        b = Backends.open(backend, Backends.defaultThreads());
        batch = Integer.parseInt(size.split("x")[0]);
        length = Integer.parseInt(size.split("x")[1]);
        n = batch * length * DIM;
        x = Buffers.random(b, n);
        y = Buffers.random(b, n);
        z = Buffers.random(b, n);
        out = Buffers.random(b, n);
        row = Buffers.random(b, DIM);
        shift = Buffers.random(b, batch * DIM);
        scale = Buffers.random(b, batch * DIM);
        dShift = Buffers.random(b, batch * DIM);
        dScale = Buffers.random(b, batch * DIM);
        table = Buffers.random(b, VOCAB * DIM);
        ids = Buffers.ids(b, batch * length, VOCAB);
        b.elementwise().unary(Unary.ABS, z, z, n); // second moments
    }

    @Benchmark
    public void silu(Traffic t) {
        b.elementwise().unary(Unary.SILU, out, x, n);
        t.floats(2L * n);
    }

    @Benchmark
    public void siluBackward(Traffic t) {
        b.elementwise().unaryBackward(Unary.SILU, out, y, x, n);
        t.floats(3L * n);
    }

    @Benchmark
    public void softplus(Traffic t) {
        b.elementwise().unary(Unary.SOFTPLUS, out, x, n);
        t.floats(2L * n);
    }

    @Benchmark
    public void add(Traffic t) {
        b.elementwise().add(out, x, y, n);
        t.floats(3L * n);
    }

    @Benchmark
    public void addBias(Traffic t) {
        b.elementwise().addBias(out, x, row, batch * length, DIM);
        t.floats(2L * n);
    }

    @Benchmark
    public void sumRows(Traffic t) {
        b.elementwise().sumRows(row, x, batch * length, DIM);
        t.floats(n);
    }

    @Benchmark
    public void modulate(Traffic t) {
        b.elementwise().modulate(out, x, shift, scale, batch, length, DIM);
        t.floats(2L * n);
    }

    @Benchmark
    public void modulateBackward(Traffic t) {
        b.elementwise().modulateBackward(new ModulateGradients(out, dShift, dScale), y, x, scale, batch, length, DIM);
        t.floats(3L * n);
    }

    @Benchmark
    public void copyColumns(Traffic t) {
        b.elementwise().copyColumns(out, DIM, 0, x, DIM, DIM / 2, batch * length, DIM / 2);
        t.floats(n);
    }

    @Benchmark
    public double sumOfSquares(Traffic t) {
        t.floats(n);
        return b.elementwise().sumOfSquares(x, n);
    }

    @Benchmark
    public void dropout(Traffic t) {
        b.elementwise().dropout(out, x, 0.1f, 1, n);
        t.floats(2L * n);
    }

    @Benchmark
    public void adamW(Traffic t) {
        b.optim().adamW(out, y, z, x, n, new AdamWStep(1e-4f, 0.9f, 0.95f, 1e-8f, 0.05f, 1f, 7));
        t.floats(7L * n);
    }

    @Benchmark
    public void embedding(Traffic t) {
        b.index().embedding(out, table, ids, batch * length, VOCAB, DIM);
        t.floats(2L * n);
    }

    @Benchmark
    public void embeddingBackward(Traffic t) {
        b.index().embeddingBackward(table, x, ids, batch * length, VOCAB, DIM);
        t.floats(n + (long) VOCAB * DIM);
    }
}
