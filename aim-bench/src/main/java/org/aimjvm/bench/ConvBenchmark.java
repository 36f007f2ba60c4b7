package org.aimjvm.bench;

import java.util.concurrent.TimeUnit;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.Conv2dShape;
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
 * Convolutions of kernel 3, stride 1, padding 1: {@code batch x channels x size} with as many output channels. Shapes:
 * levels of the VQ-f16 decoder, and those of a tokenizer for 32x32 pictures in training.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Daim.simd.warmup=0"})
public class ConvBenchmark {
    @Param({"1x512x16", "1x256x64", "1x128x256", "64x32x32", "64x64x16", "64x128x8"}) String batchChannelsSize;

    private Backend b;
    private Conv2dShape shape;
    private Storage x;
    private Storage y;
    private Storage dx;
    private Storage w;
    private Storage dw;
    private Storage bias;

    @Setup
    public void setUp() {
        b = Backends.open("vector", Backends.defaultThreads());
        String[] sizes = batchChannelsSize.split("x");
        int batch = Integer.parseInt(sizes[0]);
        int channels = Integer.parseInt(sizes[1]);
        int size = Integer.parseInt(sizes[2]);
        shape = new Conv2dShape(batch, channels, size, size, channels, 3, 3, 1, Conv2dShape.Padding.even(1));
        x = Buffers.random(b, batch * channels * size * size);
        y = Buffers.random(b, batch * channels * size * size);
        dx = Buffers.random(b, batch * channels * size * size);
        w = Buffers.random(b, channels * channels * 9);
        dw = Buffers.random(b, channels * channels * 9);
        bias = Buffers.random(b, channels);
    }

    private void count(Work work) {
        long pixels = (long) shape.batch() * shape.outHeight() * shape.outWidth();
        work.product(pixels, shape.outChannels(), shape.filterSize());
    }

    @Benchmark
    public void forward(Work work) {
        b.conv().conv2d(y, x, w, bias, shape);
        count(work);
    }

    @Benchmark
    public void gradientOfInput(Work work) {
        b.conv().conv2dBackwardInput(dx, y, w, shape);
        count(work);
    }

    @Benchmark
    public void gradientOfWeight(Work work) {
        b.conv().conv2dBackwardWeight(dw, bias, y, x, shape);
        count(work);
    }
}
