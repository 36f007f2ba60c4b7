package org.aimjvm.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.TestBackends;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.tensor.Captured;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A pass that is captured and replayed has the bits of the pass itself, whatever came before. */
@EverySimdWidth
class DecoderTest {
    private static final int BATCH = 3;
    private static final List<Backend> BACKENDS = TestBackends.available();

    static Stream<Arguments> models() {
        return BACKENDS.stream()
                .flatMap(b -> Stream.concat(
                        TinyModels.configs().entrySet().stream(), Stream.of(Map.entry("wide", TinyModels
                                .wide())))
                        .map(e -> Arguments.of(b.name(), e.getKey(), b, e.getValue())));
    }

    static Stream<Arguments> backends() {
        return BACKENDS.stream().map(b -> Arguments.of(b.name(), b));
    }

    /** Logits of {@code count} elements after {@link AimModel#forward} of one at a time: (count, batch * V). */
    private static float[][] forward(AimModel model, int[] labels, int[][] tokens) {
        Backend backend = model.backend();
        float[][] logits = new float[tokens.length + 1][];
        DecodeState state = model.newState(labels.length);
        try (Scope _ = Scope.inference()) {
            Conditioning c = model.condition(Tensor.ofInts(backend, Shape.of(labels.length), labels));
            logits[0] = model.forward(c, null, state).toFloats();
            for (int t = 0; t < tokens.length; t++) {
                try (Scope _ = Scope.inference()) {
                    Tensor next = Tensor.ofInts(backend, Shape.of(labels.length, 1), tokens[t]);
                    logits[t + 1] = model.forward(c, next, state).toFloats();
                }
            }
        }
        return logits;
    }

    private static float[][] decode(Decoder decoder, int[] labels, int[][] tokens) {
        float[][] logits = new float[tokens.length + 1][];
        logits[0] = decoder.begin(labels).toFloats();
        for (int t = 0; t < tokens.length; t++) {
            logits[t + 1] = decoder.next(tokens[t]).toFloats();
        }
        return logits;
    }

    private static int[][] tokens(int count, AimConfig config, long seed) {
        int[][] tokens = new int[count][];
        for (int t = 0; t < count; t++) {
            tokens[t] = TinyModels.ints(BATCH, config.vocabSize(), 1000 * seed + t);
        }
        return tokens;
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("models")
    void replayedPassesHaveTheBitsOfForward(String backendName, String name, Backend backend, AimConfig config) {
        expectBitsOfForward(TinyModels.build(config, backend).model());
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("backends")
    void replayedPassesHaveTheBitsOfForwardWithBf16States(String backendName, Backend backend) {
        for (AimConfig config : List.of(TinyModels.wide(), TinyModels.configs().get("ngroups 2"))) {
            expectBitsOfForward(TinyModels.build(config, backend).model().withStates(StateFormat.BF16));
        }
    }

    private static void expectBitsOfForward(AimModel model) {
        AimConfig config = model.config();
        try (Decoder decoder = new Decoder(model, BATCH)) {
            int run = 0;
            // each starts anew, in the middle of the last
            for (int count : new int[] {config.numTokens(), 5, 0, 1, 70}) {
                int[] labels = TinyModels.ints(BATCH, config.numClasses() + 1, 17 + run);
                int[][] tokens = tokens(count, config, run++);
                float[][] expected = forward(model, labels, tokens);
                float[][] got = decode(decoder, labels, tokens);
                for (int t = 0; t <= count; t++) {
                    assertThat(got[t]).as("run %d, element %d", run, t).isEqualTo(expected[t]);
                }
                assertThat(decoder.position()).isEqualTo(count + 1);
            }
        }
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("models")
    void replayedPassesSeeNewWeights(String backendName, String name, Backend backend, AimConfig config) {
        TinyModels.Built built = TinyModels.build(config, backend);
        int[] labels = TinyModels.labels(BATCH);
        int[][] tokens = tokens(4, config, 1);
        try (Decoder decoder = new Decoder(built.model(), BATCH)) {
            float[][] before = decode(decoder, labels, tokens);
            built.params().trainable().values().forEach(p -> {
                float[] values = p.toFloats();
                for (int i = 0; i < values.length; i++) {
                    values[i] *= 0.9f;
                }
                p.write(values);
            });
            float[][] after = decode(decoder, labels, tokens);
            assertThat(after[4]).isNotEqualTo(before[4]).isEqualTo(forward(built.model(), labels, tokens)[4]);
        }
    }

    @ParameterizedTest(name = "{0}: {1}", allowZeroInvocations = true) // none without the Vector module
    @MethodSource("threadedModels")
    void longerPassesAreNotCaptured(String backendName, String name, AimConfig config) {
        Backend backend = Backends.open(backendName, 2);
        AimModel model = TinyModels.build(config, backend).model();
        Tensor labels = Tensor.ofInts(backend, Shape.of(1), 1);
        Tensor tokens = Tensor.ofInts(backend, Shape.of(1, 2), 3, 4);
        Tensor rows = Tensor.ofInts(backend, Shape.of(1, 2), 1, 2);
        DecodeState state = model.newState(1);
        try (Captured<Tensor> pass = new Captured<>(backend, () -> model.pass(
                model.condition(labels), false, tokens, rows, state))) {
            assertThatThrownBy(pass::run)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("inside a capture");
        }
    }

    static Stream<Arguments> threadedModels() {
        return BACKENDS.stream()
                .map(Backend::name)
                .filter(n -> n.equals("vector"))
                .flatMap(n -> Stream.of("wide", "Mamba-1", "MLP")
                        .map(c -> Arguments.of(
                                n, c, c.equals("wide") ? TinyModels.wide() : TinyModels.configs().get(c))));
    }

    @ParameterizedTest(name = "{0}: {1}", allowZeroInvocations = true) // none without the Vector module
    @MethodSource("threadedModels")
    void nothingDependsOnTheNumberOfThreads(String backendName, String name, AimConfig config) {
        int[] labels = TinyModels.labels(BATCH);
        int[][] tokens = tokens(40, config, 2);
        float[][] expected = null;
        for (int threads : new int[] {1, 2, 5}) {
            AimModel model = TinyModels.build(config, Backends.open(backendName, threads)).model();
            try (Decoder decoder = new Decoder(model, BATCH)) {
                float[][] got = decode(decoder, labels, tokens);
                expected = expected == null ? got : expected;
                assertThat(got).as("%d threads", threads).isDeepEqualTo(expected);
            }
        }
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("models")
    void wrongUseIsAnErrorAfterWhichTheDecoderWorks(
            String backendName, String name, Backend backend, AimConfig config) {
        AimModel model = TinyModels.build(config, backend).model();
        int[] labels = TinyModels.labels(BATCH);
        try (Decoder decoder = new Decoder(model, BATCH)) {
            assertThatThrownBy(() -> decoder.next(new int[BATCH])).isInstanceOf(IllegalStateException.class);
            decode(decoder, labels, tokens(config.numTokens(), config, 3));
            assertThatThrownBy(() -> decoder.next(new int[BATCH]))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("num_tokens + 1");
            decoder.begin(labels);
            int[] none = new int[BATCH];
            none[1] = config.vocabSize();
            assertThatThrownBy(() -> decoder.next(none))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("id " + config.vocabSize());
            assertThatThrownBy(() -> decoder.next(new int[1])).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> decoder.begin(new int[] {0})).isInstanceOf(IllegalArgumentException.class);
            int[][] tokens = tokens(3, config, 4);
            assertThat(decode(decoder, labels, tokens)).isDeepEqualTo(forward(model, labels, tokens));
        }
    }
}
