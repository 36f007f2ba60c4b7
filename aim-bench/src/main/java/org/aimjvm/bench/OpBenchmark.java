package org.aimjvm.bench;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.aimjvm.backend.Backends;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.tensor.Gradients;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.verify.OpCase;
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
import org.openjdk.jmh.infra.Blackhole;

/**
 * The cases of {@link org.aimjvm.verify.OpCases} as rows, through the same calls as models make: a line there is a row
 * here. {@link Benchmarks} fills in the names: those of the published models, or all that {@code -p opCase=PATTERN}
 * matches.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Daim.simd.warmup=0", "-Xmx4g"})
public class OpBenchmark {
    private static final long SEED = 1;
    /** What JMH runs where {@link Benchmarks} did not name others. */
    private static final String USUAL = "AiM-B linear 65x768 -> 3352";

    /** A case without recording. */
    @State(Scope.Benchmark)
    public static class Forward {
        @Param({"vector"}) public String backend;

        @Param({USUAL}) public String opCase;

        private OpCase c;
        private Tensor[] inputs;

        /** Makes the inputs. */
        @Setup
        public void setUp() {
            c = CaseNames.find(opCase);
            inputs = c.makeInputs(Backends.open(backend, Backends.defaultThreads()), SEED);
        }
    }

    /** A case with inputs that want a gradient. */
    @State(Scope.Benchmark)
    public static class Training {
        @Param({"vector"}) public String backend;

        @Param({USUAL}) public String gradientCase;

        private OpCase c;
        private Tensor[] inputs;

        /** Makes the inputs. */
        @Setup
        public void setUp() {
            c = CaseNames.find(gradientCase);
            inputs = c.makeInputs(Backends.open(backend, Backends.defaultThreads()), SEED);
        }
    }

    /** The operation as a generating model calls it. */
    @Benchmark
    public void forward(Forward state, Blackhole consumer) {
        try (org.aimjvm.tensor.Scope _ = org.aimjvm.tensor.Scope.inference()) {
            consumer.consume(state.c.op().apply(state.inputs));
        }
    }

    /** The operation in training: forward, the sum of its outputs, and the gradients of all inputs that want one. */
    @Benchmark
    public Gradients forwardAndBackward(Training state) {
        try (org.aimjvm.tensor.Scope _ = org.aimjvm.tensor.Scope.training()) {
            return List.of(state.c.op().apply(state.inputs)).stream().filter(Tensor::needsGrad).map(ReduceOp::sum)
                    .reduce(ArithmeticOp::add).orElseThrow().backward();
        }
    }
}
