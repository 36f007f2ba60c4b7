package org.aimjvm.bench;

import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.measure.LmCost;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.AimPresets;
import org.aimjvm.model.Decoder;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Params;
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
 * One token of decoding under guidance: a pass of the conditional and the unconditional sequence of each picture, as
 * {@code Generator} makes it. Prints the bytes of weights read per token, for the share of the memory's bandwidth.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Daim.simd.warmup=0", "-Xmx12g"})
@Warmup(iterations = 3, time = 3)
@Measurement(iterations = 7, time = 3)
@State(Scope.Benchmark)
public class DecodeBenchmark {
    @Param({"aim-b"}) public String preset;

    @Param({"1"}) public int pictures;

    @Param({"F32", "BF16", "INT8", "INT4"}) public String weights;

    @Param({"F32"}) public String states;

    private Decoder decoder;
    private int[] labels;
    private int[] tokens;
    private int numTokens;

    /** Random weights; the time does not depend on their values. */
    @Setup(Level.Trial)
    public void build() {
        AimConfig config = AimPresets.get(preset);
        numTokens = config.numTokens();
        StateFormat format = StateFormat.valueOf(states);
        Params params = Params.random(Backends.best(), 0, WeightFormat.valueOf(weights));
        decoder = new Decoder(
                new AimModel(params.sub(AimModel.NAME), config, PositionRule.SEQUENCE_INDEX).withStates(format),
                2 * pictures);
        labels = new int[2 * pictures];
        tokens = new int[2 * pictures];
        decoder.begin(labels);
        System.out.printf(Locale.ROOT, "states read and written a token: %d bytes%n",
                2 * pictures * LmCost.of(config).withStates(config, format).stateBytes());
    }

    @TearDown(Level.Trial)
    public void close() {
        decoder.close();
    }

    /**
     * The next token of every sequence; pictures follow each other, so it includes its share of what a picture costs
     * once.
     */
    @Benchmark
    public int token() {
        Tensor logits = decoder.position() > numTokens ? decoder.begin(labels) : decoder.next(tokens);
        return logits.size();
    }
}
