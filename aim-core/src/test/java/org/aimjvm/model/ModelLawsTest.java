package org.aimjvm.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.TestBackends;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.checkpoint.AimConfigJson;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.nn.Params;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.op.softmax.CrossEntropyOp;
import org.aimjvm.tensor.Gradients;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Laws that a sequence model keeps whatever its weights, on every backend and for every argument of the
 * architecture.
 */
@EverySimdWidth
class ModelLawsTest {
    /** Chunked and recurrent sums are ordered differently; relative to the greatest logit. */
    private static final double ORDER_OF_SUMS = 2e-5;

    private static final int BATCH = 3;
    /** Limit of the normalised difference of logits that states in BF16 make. */
    private static final double BF16_STATES = 5e-3;
    private static final int LENGTH = TinyModels.TOKENS + 1;

    private static final List<Backend> BACKENDS = TestBackends.available();

    static Stream<Arguments> models() {
        return BACKENDS.stream()
                .flatMap(b -> TinyModels.configs().entrySet().stream()
                        .map(e -> Arguments.of(b.name(), e.getKey(), b, e.getValue())));
    }

    private static int[] tokens() {
        return TinyModels.ints(BATCH * TinyModels.TOKENS, TinyModels.VOCAB, 11);
    }

    /** Logits (batch, L, V) of the sequences fed in parts of the given lengths, the class element being the first. */
    private static float[] inParts(AimModel model, int[] labels, int[] tokens, int... parts) {
        Backend backend = model.backend();
        int batch = labels.length;
        int count = tokens.length / batch;
        int vocab = model.config().vocabSize();
        float[] logits = new float[batch * (count + 1) * vocab];
        DecodeState state = model.newState(batch);
        try (Scope _ = Scope.inference()) {
            Conditioning condition = model.condition(Tensor.ofInts(backend, Shape.of(batch), labels));
            int at = 0;
            for (int part : parts) {
                int first = Math.max(0, at - 1);
                int n = at == 0 ? part - 1 : part;
                int[] fed = new int[batch * n];
                for (int b = 0; b < batch; b++) {
                    System.arraycopy(tokens, b * count + first, fed, b * n, n);
                }
                Tensor t = n == 0 ? null : Tensor.ofInts(backend, Shape.of(batch, n), fed);
                float[] y = model.forward(condition, t, state).toFloats();
                for (int b = 0; b < batch; b++) {
                    System.arraycopy(y, b * part * vocab, logits, (b * (count + 1) + at) * vocab, part * vocab);
                }
                at += part;
                assertThat(state.position()).isEqualTo(at);
            }
            assertThat(at).isEqualTo(count + 1);
        }
        return logits;
    }

    private static void assertClose(float[] got, float[] expected, String what) {
        double max = 0;
        double worst = 0;
        for (int i = 0; i < expected.length; i++) {
            assertThat(got[i]).as(what).isNotNaN();
            max = Math.max(max, Math.abs(expected[i]));
            worst = Math.max(worst, Math.abs((double) got[i] - expected[i]));
        }
        assertThat(worst / max).as(what).isLessThan(ORDER_OF_SUMS);
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("models")
    void forwardInPartsEqualsForwardAtOnce(String backendName, String name, Backend backend, AimConfig config) {
        TinyModels.Built built = TinyModels.build(config, backend);
        int[] labels = TinyModels.labels(BATCH);
        int[] tokens = tokens();
        float[] all = built.logits(labels, tokens);
        int[] ones = new int[LENGTH];
        Arrays.fill(ones, 1);
        int[][] splits = {
            {LENGTH}, ones, {1, LENGTH - 1}, {LENGTH - 1, 1}, {2, 3, 64, LENGTH - 69}, {64, LENGTH - 64},
            {65, LENGTH - 65},
            {7, 1, 1, LENGTH - 9}
        };
        for (int[] split : splits) {
            assertClose(inParts(built.model(), labels, tokens, split), all,
                    name + " in parts " + Arrays.toString(split));
        }
    }

    /**
     * A whole sequence at once has nothing between calls to be rounded; element by element the logits move a little.
     */
    @ParameterizedTest(name = "{0}")
    @MethodSource("backends")
    void bf16StatesRoundBetweenCalls(String backendName, Backend backend) {
        for (AimConfig config : List.of(TinyModels.wide(), TinyModels.configs().get("Mamba-2"))) {
            AimModel model = TinyModels.build(config, backend).model();
            AimModel rounded = model.withStates(StateFormat.BF16);
            assertThat(model.states()).isEqualTo(StateFormat.F32);
            assertThat(rounded.states()).isEqualTo(StateFormat.BF16);
            int[] labels = TinyModels.labels(BATCH);
            int[] tokens = TinyModels.ints(BATCH * config.numTokens(), config.vocabSize(), 11);
            int[] ones = new int[config.numTokens() + 1];
            Arrays.fill(ones, 1);
            assertThat(inParts(rounded, labels, tokens, ones.length))
                    .isEqualTo(inParts(model, labels, tokens, ones.length));
            float[] expected = inParts(model, labels, tokens, ones);
            float[] got = inParts(rounded, labels, tokens, ones);
            double difference = 0;
            double norm = 0;
            for (int i = 0; i < expected.length; i++) {
                difference += Math.pow((double) got[i] - expected[i], 2);
                norm += Math.pow(expected[i], 2);
            }
            assertThat(Math.sqrt(difference / norm)).isBetween(1e-6, BF16_STATES);
            assertThat(inParts(rounded, labels, tokens, ones)).as("again").isEqualTo(got);
        }
    }

    static Stream<Arguments> backends() {
        return BACKENDS.stream().map(b -> Arguments.of(b.name(), b));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("models")
    void modelsWithoutMamba2RefuseBf16States(String backendName, String name, Backend backend, AimConfig config) {
        AimModel model = TinyModels.build(config, backend).model();
        boolean none = name.startsWith("Mamba-1")
                || config.attentionLayers().stream().distinct().count() == config.nLayer();
        if (none) {
            assertThatThrownBy(() -> model.withStates(StateFormat.BF16)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("states: bf16 for a model without Mamba-2 blocks, expected f32");
            assertThat(model.withStates(StateFormat.F32).newState(1).layers()).isEqualTo(config.nLayer());
        } else {
            assertThat(model.withStates(StateFormat.BF16).newState(1).layers()).isEqualTo(config.nLayer());
        }
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("models")
    void aStateThatIsResetStartsAnew(String backendName, String name, Backend backend, AimConfig config) {
        AimModel model = TinyModels.build(config, backend).model();
        DecodeState state = model.newState(1);
        float[][] runs = new float[2][];
        for (int run = 0; run < 2; run++) {
            try (Scope _ = Scope.inference()) {
                Conditioning c = model.condition(Tensor.ofInts(backend, Shape.of(1), 2));
                model.forward(c, Tensor.ofInts(backend, Shape.of(1, 4), 1, 2, 3, 4), state);
                runs[run] = model.forward(c, Tensor.ofInts(backend, Shape.of(1, 1), 5), state).toFloats();
            }
            state.reset();
        }
        assertThat(runs[1]).isEqualTo(runs[0]);
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("models")
    void aSequenceDoesNotDependOnItsBatch(String backendName, String name, Backend backend, AimConfig config) {
        TinyModels.Built built = TinyModels.build(config, backend);
        int[] labels = TinyModels.labels(BATCH);
        int[] tokens = tokens();
        int[] parts = IntStream.concat(IntStream.of(5), IntStream.generate(() -> 1).limit(LENGTH - 5)).toArray();
        float[] forward = built.logits(labels, tokens);
        float[] decoded = inParts(built.model(), labels, tokens, parts);
        for (int b = 0; b < BATCH; b++) {
            int[] label = {labels[b]};
            int[] row = Arrays.copyOfRange(tokens, b * TinyModels.TOKENS, (b + 1) * TinyModels.TOKENS);
            int size = LENGTH * TinyModels.VOCAB;
            assertThat(built.logits(label, row))
                    .as("forward, sequence " + b)
                    .isEqualTo(Arrays.copyOfRange(forward, b * size, (b + 1) * size));
            assertThat(inParts(built.model(), label, row, parts))
                    .as("decoding, sequence " + b)
                    .isEqualTo(Arrays.copyOfRange(decoded, b * size, (b + 1) * size));
        }
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("models")
    void whatIsSavedComesBack(String backendName, String name, Backend backend, AimConfig config, @TempDir Path dir) {
        TinyModels.Built built = TinyModels.build(config, backend);
        int[] labels = TinyModels.labels(BATCH);
        Path file = dir.resolve("model.safetensors");
        SafeTensorsWriter writer = new SafeTensorsWriter();
        built.params().all().forEach((n, t) -> writer.floats(n, DType.F32, t.shape(), t::toFloats));
        writer.write(file);
        AimConfig read = AimConfigJson.parse(AimConfigJson.toJson(config), dir.resolve("config.json"));
        assertThat(read).isEqualTo(config);
        try (SafeTensors source = SafeTensors.open(file)) {
            Params params =
                    Params.from(backend, source,
                            p -> new AimModel(p.sub(AimModel.NAME), read, PositionRule.SEQUENCE_INDEX));
            AimModel model = new AimModel(params.sub(AimModel.NAME), read, PositionRule.SEQUENCE_INDEX);
            TinyModels.Built again = new TinyModels.Built(model, params);
            assertThat(again.logits(labels, tokens())).isEqualTo(built.logits(labels, tokens()));
        }
    }

    static Stream<Arguments> threadedModels() {
        return BACKENDS.stream()
                .map(Backend::name)
                .filter(n -> !n.equals("scalar"))
                .flatMap(n -> Stream.concat(
                        Stream.of(Arguments.of(n, "wide", TinyModels.wide())),
                        TinyModels.configs().entrySet().stream().map(e -> Arguments.of(n, e.getKey(), e.getValue()))));
    }

    /** Logits and all gradients. */
    private static List<float[]> trainingPass(AimConfig config, Backend backend) {
        TinyModels.Built built = TinyModels.build(config, backend);
        int batch = 4;
        int count = config.numTokens();
        try (Scope _ = Scope.training()) {
            Tensor labels = Tensor.ofInts(backend, Shape.of(batch), TinyModels.labels(batch));
            Tensor tokens = Tensor.ofInts(backend, Shape.of(batch, count),
                    TinyModels.ints(batch * count, config.vocabSize(), 5));
            Tensor targets =
                    Tensor.ofInts(backend, Shape.of(batch, count + 1),
                            TinyModels.ints(batch * (count + 1), config.vocabSize(), 6));
            Tensor logits = built.model().forward(built.model().condition(labels), tokens, null);
            Gradients g = ReduceOp.mean(CrossEntropyOp.crossEntropy(logits, targets)).backward();
            return Stream.concat(
                    Stream.of(logits),
                    built.params().trainable().values().stream().map(g::of))
                    .map(Tensor::toFloats)
                    .toList();
        }
    }

    @ParameterizedTest(name = "{0}: {1}", allowZeroInvocations = true) // none without the Vector module
    @MethodSource("threadedModels")
    void nothingDependsOnTheNumberOfThreads(String backendName, String name, AimConfig config) {
        List<float[]> one = trainingPass(config, Backends.open(backendName, 1));
        for (int threads : new int[] {2, 3}) {
            List<float[]> more = trainingPass(config, Backends.open(backendName, threads));
            for (int i = 0; i < one.size(); i++) {
                assertThat(more.get(i)).as(threads + " threads, " + (i == 0 ? "logits" : "gradient " + i))
                        .isEqualTo(one.get(i));
            }
        }
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("models")
    void aTokenDoesNotSeeLaterOnes(String backendName, String name, Backend backend, AimConfig config) {
        TinyModels.Built built = TinyModels.build(config, backend);
        int[] label = {1};
        int[] tokens = TinyModels.ints(TinyModels.TOKENS, TinyModels.VOCAB, 11);
        int[] changed = tokens.clone();
        int at = 37;
        changed[at] = (changed[at] + 1) % TinyModels.VOCAB;
        float[] a = built.logits(label, tokens);
        float[] b = built.logits(label, changed);
        int same = (at + 1) * TinyModels.VOCAB; // token j is element j + 1
        assertThat(Arrays.copyOf(b, same)).isEqualTo(Arrays.copyOf(a, same));
        assertThat(Arrays.copyOfRange(b, same, a.length)).isNotEqualTo(Arrays.copyOfRange(a, same, a.length));
    }

    /** Every parameter takes part: a name that is read but not used would pass all other laws. */
    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("models")
    void everyParameterHasAGradient(String backendName, String name, Backend backend, AimConfig config) {
        TinyModels.Built built = TinyModels.build(config, backend);
        try (Scope _ = Scope.training()) {
            Tensor labels = Tensor.ofInts(backend, Shape.of(2), 1, 3);
            Tensor tokens = Tensor.ofInts(backend, Shape.of(2, 20), TinyModels.ints(40, TinyModels.VOCAB, 5));
            Tensor targets = Tensor.ofInts(backend, Shape.of(2, 21), TinyModels.ints(42, TinyModels.VOCAB, 6));
            Tensor logits = built.model().forward(built.model().condition(labels), tokens, null);
            Gradients g = ReduceOp.mean(CrossEntropyOp.crossEntropy(logits, targets)).backward();
            for (Map.Entry<String, Tensor> e : built.params().trainable().entrySet()) {
                assertThat(g.contains(e.getValue())).as(e.getKey()).isTrue();
                assertThat(g.of(e.getValue()).toFloats()).as(e.getKey()).satisfies(values -> {
                    boolean nonZero = false;
                    for (float v : values) {
                        nonZero |= v != 0;
                    }
                    assertThat(nonZero).isTrue();
                });
            }
        }
    }
}
