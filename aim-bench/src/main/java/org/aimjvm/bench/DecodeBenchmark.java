package org.aimjvm.bench;

import java.util.concurrent.TimeUnit;
import org.aimjvm.measure.LmCost;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.AimPresets;
import org.aimjvm.model.Conditioning;
import org.aimjvm.model.DecodeState;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Params;
import org.aimjvm.tensor.Backend;
import org.aimjvm.tensor.Backends;
import org.aimjvm.tensor.Shape;
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
 * One token of decoding under guidance: a forward pass of the conditional and the unconditional sequence of each picture, as
 * {@code Generator} makes it. Prints the bytes of weights a token reads, for the share of the memory's bandwidth.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx12g"})
@Warmup(iterations = 3, time = 3)
@Measurement(iterations = 7, time = 3)
@State(Scope.Benchmark)
public class DecodeBenchmark {
    @Param({"aim-b"}) public String preset;

    @Param({"1"}) public int pictures;

    private Backend backend;
    private AimModel model;
    private Conditioning condition;
    private DecodeState state;
    private org.aimjvm.tensor.Scope scope;

    /** Random weights; the time does not depend on their values. */
    @Setup(Level.Trial)
    public void build() {
        backend = Backends.best();
        AimConfig config = AimPresets.get(preset);
        Params params = Params.random(backend, 0);
        model = new AimModel(params.sub("mamba"), config, PositionRule.SEQUENCE_INDEX);
        state = model.newState(2 * pictures);
        scope = org.aimjvm.tensor.Scope.inference();
        condition = model.condition(Tensor.ofInts(backend, Shape.of(2 * pictures), new int[2 * pictures]));
        LmCost cost = LmCost.of(config);
        System.out.printf(
                "a token reads %d bytes of weights, reads and writes %d bytes of states%n", cost.weightBytes(),
                2 * pictures * cost.stateBytes());
    }

    @TearDown(Level.Trial)
    public void close() {
        scope.close();
    }

    /** The next token of every sequence. */
    @Benchmark
    public int token() {
        if (state.position() > model.config().numTokens()) {
            state.reset();
        }
        try (org.aimjvm.tensor.Scope _ = org.aimjvm.tensor.Scope.inference()) {
            Tensor next = state.position() == 0
                    ? null
                    : Tensor.ofInts(backend, Shape.of(2 * pictures, 1), new int[2 * pictures]);
            return model.forward(condition, next, state).size();
        }
    }
}
