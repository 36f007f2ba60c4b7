package org.aimjvm.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.TestBackends;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.nn.Dropout;
import org.aimjvm.nn.Trace;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.op.softmax.CrossEntropyOp;
import org.aimjvm.tensor.Gradients;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The training loss has the bits of logits and cross-entropy, with and without checkpointing, and so have its
 * gradients.
 */
@EverySimdWidth
class LossTest {
    private static final int BATCH = 2;
    private static final int TOKENS = 21;
    private static final List<Backend> BACKENDS = TestBackends.available();

    static Stream<Arguments> models() {
        Map<String, AimConfig> configs = new LinkedHashMap<>(TinyModels.configs());
        AimConfig c = configs.get("MLP");
        configs.put(
                "dropout",
                c.toBuilder().nLayer(3).groups(2).dropout(0.1f, 0.2f, 0.3f).build());
        return BACKENDS.stream()
                .flatMap(
                        b -> configs.entrySet().stream().map(e -> Arguments.of(b.name(), e.getKey(), b, e.getValue())));
    }

    @FunctionalInterface
    private interface Loss {
        Tensor of(AimModel model, Conditioning condition, Tensor tokens, Tensor targets);
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("models")
    void checkpointingAndTheFusedHeadChangeNoBit(String backendName, String configName, Backend backend,
            AimConfig config) {
        TinyModels.Built built = TinyModels.build(config, backend);
        Map<String, float[]> expected = run(
                built, (m, c, x, y) -> ReduceOp.mean(
                        CrossEntropyOp.crossEntropy(m.forward(c, x, null, Dropout.seeded(5), Trace.OFF), y)));
        Map<String, float[]> fused = run(built, (m, c, x, y) -> m.loss(c, x, y, Dropout.seeded(5), false));
        Map<String, float[]> checkpointed = run(built, (m, c, x, y) -> m.loss(c, x, y, Dropout.seeded(5), true));
        assertThat(expected).hasSizeGreaterThan(10);
        same(fused, expected);
        same(checkpointed, expected);
    }

    private static void same(Map<String, float[]> got, Map<String, float[]> expected) {
        assertThat(got.keySet()).isEqualTo(expected.keySet());
        got.forEach((name, values) -> assertThat(values).as(name).isEqualTo(expected.get(name)));
    }

    /**
     * The loss and the gradient of every parameter, twice over in scopes of one, so that freed memory is used again.
     */
    private static Map<String, float[]> run(TinyModels.Built built, Loss loss) {
        Backend b = built.model().backend();
        int[] targets = TinyModels.ints(BATCH * TOKENS, TinyModels.VOCAB, 4);
        int[] inputs = TinyModels.ints(BATCH * (TOKENS - 1), TinyModels.VOCAB, 4);
        Map<String, float[]> values = new LinkedHashMap<>();
        try (Scope _ = Scope.inference()) {
            for (int pass = 0; pass < 2; pass++) {
                try (Scope _ = Scope.training()) {
                    Conditioning c =
                            built.model().condition(Tensor.ofInts(b, Shape.of(BATCH), TinyModels.labels(BATCH)));
                    Tensor l = loss.of(
                            built.model(), c, Tensor.ofInts(b, Shape.of(BATCH, TOKENS - 1), inputs), Tensor.ofInts(
                                    b, Shape.of(BATCH, TOKENS), targets));
                    values.put("loss", l.toFloats());
                    Gradients g = l.backward();
                    built.params().trainable().forEach((name, p) -> {
                        if (g.contains(p)) {
                            values.put(name, g.of(p).toFloats());
                        }
                    });
                }
            }
        }
        return values;
    }
}
