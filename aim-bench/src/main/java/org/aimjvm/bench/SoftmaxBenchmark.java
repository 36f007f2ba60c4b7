package org.aimjvm.bench;

import java.util.concurrent.TimeUnit;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.SoftmaxKernels.AttentionGradients;
import org.aimjvm.backend.SoftmaxKernels.AttentionShape;
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
 * Softmax and cross-entropy over the vocabulary, and attention over 257 positions with 12 heads and 4 key/value heads.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Daim.simd.warmup=0"})
public class SoftmaxBenchmark {
    private static final int BATCH = 4;
    private static final int LENGTH = 257;
    private static final int HEADS = 12;
    private static final int KV_HEADS = 4;
    private static final int HEAD_DIM = 64;
    private static final AttentionShape SHAPE =
            AttentionShape.whole(BATCH, LENGTH, HEADS, KV_HEADS, HEAD_DIM);

    @Param({"vector", "scalar"}) String backend;

    /** Rows x classes: AiM-B and the embedded model. */
    @Param({"1024x16384", "4096x512"}) String size;

    private Backend b;
    private int rows;
    private int cols;
    private Storage x;
    private Storage out;
    private Storage loss;
    private Storage logSumExp;
    private Storage targets;
    private Storage q;
    private Storage k;
    private Storage v;
    private Storage dOut;
    private Storage dq;
    private Storage dk;
    private Storage dv;

    @Setup
    public void setUp() {
        b = Backends.open(backend, Backends.defaultThreads());
        rows = Integer.parseInt(size.split("x")[0]);
        cols = Integer.parseInt(size.split("x")[1]);
        x = Buffers.random(b, rows * cols);
        out = Buffers.random(b, rows * cols);
        loss = Buffers.random(b, rows);
        logSumExp = Buffers.random(b, rows);
        targets = Buffers.ids(b, rows, cols);
        q = Buffers.random(b, BATCH * LENGTH * HEADS * HEAD_DIM);
        k = Buffers.random(b, BATCH * LENGTH * KV_HEADS * HEAD_DIM);
        v = Buffers.random(b, BATCH * LENGTH * KV_HEADS * HEAD_DIM);
        dOut = Buffers.random(b, q.size());
        dq = Buffers.random(b, q.size());
        dk = Buffers.random(b, k.size());
        dv = Buffers.random(b, v.size());
    }

    @Benchmark
    public void softmax(Traffic t) {
        b.softmax().softmax(out, x, 1f, rows, cols);
        t.floats(2L * rows * cols);
    }

    @Benchmark
    public void crossEntropy(Traffic t) {
        b.softmax().crossEntropy(loss, logSumExp, x, targets, rows, cols);
        t.floats((long) rows * cols);
    }

    @Benchmark
    public void crossEntropyBackward(Traffic t) {
        b.softmax().crossEntropyBackward(out, loss, x, logSumExp, targets, rows, cols);
        t.floats(2L * rows * cols);
    }

    @Benchmark
    public void attention(Traffic t) {
        b.softmax().causalAttention(dOut, q, k, v, null, SHAPE);
        t.floats(2L * (q.size() + k.size()));
    }

    @Benchmark
    public void attentionBackward(Traffic t) {
        b.softmax().causalAttentionBackward(new AttentionGradients(dq, dk, dv), dOut, q, k, v, SHAPE);
        t.floats(3L * q.size() + 4L * k.size());
    }
}
