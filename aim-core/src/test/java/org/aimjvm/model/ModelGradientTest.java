package org.aimjvm.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.TestBackends;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.op.softmax.CrossEntropyOp;
import org.aimjvm.tensor.Gradients;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Gradients of whole models against finite differences, parameter tensor by parameter tensor and all together. */
@EverySimdWidth
class ModelGradientTest {
    private static final int BATCH = 2;
    private static final int TOKENS = 9;
    /** F32 passes: too small a step drowns in rounding, too large a one in curvature; one must fit. */
    private static final double[] STEPS = {3e-2, 1e-2, 3e-3};

    private static final List<Backend> BACKENDS = TestBackends.available();

    static Stream<Arguments> models() {
        return BACKENDS.stream()
                .flatMap(b -> TinyModels.configs().entrySet().stream()
                        .map(e -> Arguments.of(b.name(), e.getKey(), b, e.getValue())));
    }

    private static final int[] TOKEN_IDS = TinyModels.ints(BATCH * TOKENS, TinyModels.VOCAB, 17);

    /** The mean cross-entropy, in F64 from the logits. */
    private static double loss(TinyModels.Built built) {
        int vocab = TinyModels.VOCAB;
        int[] fed = new int[BATCH * (TOKENS - 1)];
        for (int b = 0; b < BATCH; b++) {
            System.arraycopy(TOKEN_IDS, b * TOKENS, fed, b * (TOKENS - 1), TOKENS - 1);
        }
        float[] logits = built.logits(TinyModels.labels(BATCH), fed);
        double sum = 0;
        for (int r = 0; r < BATCH * TOKENS; r++) {
            double exps = 0;
            for (int v = 0; v < vocab; v++) {
                exps += Math.exp(logits[r * vocab + v]);
            }
            sum += Math.log(exps) - logits[r * vocab + TOKEN_IDS[r]];
        }
        return sum / (BATCH * TOKENS);
    }

    private static Gradients gradients(TinyModels.Built built) {
        Backend backend = built.model().backend();
        Tensor labels = Tensor.ofInts(backend, Shape.of(BATCH), TinyModels.labels(BATCH));
        int[] fed = new int[BATCH * (TOKENS - 1)];
        for (int b = 0; b < BATCH; b++) {
            System.arraycopy(TOKEN_IDS, b * TOKENS, fed, b * (TOKENS - 1), TOKENS - 1);
        }
        Tensor logits = built.model()
                .forward(built.model().condition(labels), Tensor.ofInts(backend, Shape.of(BATCH, TOKENS - 1), fed),
                        null);
        Tensor targets = Tensor.ofInts(backend, Shape.of(BATCH, TOKENS), TOKEN_IDS);
        return ReduceOp.mean(CrossEntropyOp.crossEntropy(logits, targets)).backward();
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("models")
    void gradientsEqualFiniteDifferences(String backendName, String name, Backend backend, AimConfig config) {
        TinyModels.Built built = TinyModels.build(config, backend);
        try (Scope _ = Scope.training()) {
            Gradients g = gradients(built);
            for (Map.Entry<String, Tensor> e : built.params().trainable().entrySet()) {
                check(built, g, Map.of(e.getKey(), e.getValue()));
            }
            check(built, g, built.params().trainable());
        }
    }

    /** Along the gradient plus as much again at random: both its size and its direction count. */
    private static void check(TinyModels.Built built, Gradients gradients, Map<String, Tensor> parameters) {
        SplittableRandom random = new SplittableRandom(23);
        int n = parameters.values().stream().mapToInt(Tensor::size).sum();
        double[] gradient = new double[n];
        double[] direction = new double[n];
        int at = 0;
        double norm = 0;
        for (Tensor p : parameters.values()) {
            for (float v : gradients.of(p).toFloats()) {
                gradient[at++] = v;
                norm += (double) v * v;
            }
        }
        norm = Math.sqrt(norm);
        double analytic = 0;
        for (int i = 0; i < n; i++) {
            double r = (random.nextBoolean() ? 1 : -1) / Math.sqrt(n);
            direction[i] = r + (norm == 0 ? 0 : gradient[i] / norm);
            analytic += direction[i] * gradient[i];
        }
        double best = Double.POSITIVE_INFINITY;
        double numeric = 0;
        for (double h : STEPS) {
            double estimate = (8 * (lossAt(built, parameters, direction, h) - lossAt(built, parameters, direction, -h))
                    - (lossAt(built, parameters, direction, 2 * h) - lossAt(built, parameters, direction, -2 * h)))
                    / (12 * h);
            if (Math.abs(estimate - analytic) < best) {
                best = Math.abs(estimate - analytic);
                numeric = estimate;
            }
        }
        String what = parameters.size() == 1 ? parameters.keySet().iterator().next() : "all parameters";
        assertThat(best)
                .as(String.format(Locale.ROOT, "%s: %.6g, finite differences %.6g", what, analytic, numeric))
                .isLessThan(5e-3 * norm + 5e-5);
    }

    private static double lossAt(TinyModels.Built built, Map<String, Tensor> parameters, double[] direction, double h) {
        Map<Tensor, float[]> saved = new IdentityHashMap<>();
        int at = 0;
        for (Tensor p : parameters.values()) {
            float[] values = p.toFloats();
            saved.put(p, values);
            float[] moved = values.clone();
            for (int i = 0; i < moved.length; i++) {
                moved[i] += (float) (h * direction[at++]);
            }
            p.write(moved);
        }
        double loss = loss(built);
        saved.forEach(Tensor::write);
        return loss;
    }
}
