package org.aimjvm.bench;

import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.Shape;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.AimPresets;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Dropout;
import org.aimjvm.nn.Params;
import org.aimjvm.optim.AdamW;
import org.aimjvm.optim.AdamWOptions;
import org.aimjvm.ssm.Mamba2Config;
import org.aimjvm.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One training step of the sequence model on whole sequences: forward pass, backward pass, clipping and AdamW. The
 * arithmetic counted is 6 FLOP for each token and each weight that every token is multiplied with (adaLN's projections,
 * applied once per picture, are not), and three times the products of the scan; what checkpointing computes again is
 * not counted.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Daim.simd.warmup=0", "-Xmx12g"})
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@State(Scope.Benchmark)
public class TrainStepBenchmark {
    /** Elements of a chunk of the scan. */
    private static final int CHUNK = 64;

    @Param({"aim-b"}) public String preset;

    @Param({"4"}) public int batch;

    @Param({"false", "true"}) public boolean checkpointBlocks;

    private Backend backend;
    private AimModel model;
    private AdamW optimizer;
    private org.aimjvm.tensor.Scope scope;
    private SplittableRandom random;
    private double gigaflop;

    /** Random weights. */
    @Setup(Level.Trial)
    public void build() {
        backend = Backends.best();
        AimConfig config = AimPresets.get(preset);
        Params params = Params.random(backend, 0);
        model = new AimModel(params.sub(AimModel.NAME), config, PositionRule.SEQUENCE_INDEX);
        optimizer = new AdamW(params.trainable(), AdamWOptions.of(1e-4));
        random = new SplittableRandom(1);
        scope = org.aimjvm.tensor.Scope.inference();
        Mamba2Config ssm = (Mamba2Config) config.ssm();
        double inner = (double) ssm.nHeads() * ssm.headDim();
        double scan = 4 * inner * ssm.dState() + CHUNK * (inner + ssm.nGroups() * ssm.dState());
        double tokens = (double) batch * config.numTokens();
        gigaflop = 1e-9 * tokens * (6.0 * multipliedByEachToken(params) + 3 * config.nLayer() * scan);
    }

    private static long multipliedByEachToken(Params params) {
        return params.trainable().entrySet().stream()
                .filter(e -> e.getValue().shape().rank() == 2 && !e.getKey().contains("adaLN_modulation")
                        && !e.getKey().contains("adaln_group") && !e.getKey().contains("position_embeddings")
                        && !e.getKey().contains("cls_embed"))
                .mapToLong(e -> e.getValue().size())
                .sum();
    }

    @TearDown(Level.Trial)
    public void close() {
        scope.close();
        Runtime runtime = Runtime.getRuntime();
        System.out.printf(Locale.ROOT, "heap in use at the end: %d MiB%n",
                (runtime.totalMemory() - runtime.freeMemory()) >> 20);
    }

    /** One step on new codes. */
    @Benchmark
    public double step(Work work) {
        work.gigaflop += gigaflop;
        int length = model.config().numTokens();
        try (org.aimjvm.tensor.Scope _ = org.aimjvm.tensor.Scope.training()) {
            Tensor labels = ids(model.config().numClasses(), batch);
            Tensor inputs = ids(model.config().vocabSize(), batch, length - 1);
            Tensor targets = ids(model.config().vocabSize(), batch, length);
            Tensor loss = model.loss(model.condition(labels), inputs, targets, Dropout.OFF, checkpointBlocks);
            return optimizer.step(loss.backward(), 1e-4);
        }
    }

    private Tensor ids(int bound, int... dims) {
        Shape shape = Shape.of(dims);
        return Tensor.ofInts(backend, shape, random.ints(shape.size(), 0, bound).toArray());
    }
}
