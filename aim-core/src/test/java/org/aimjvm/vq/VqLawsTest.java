package org.aimjvm.vq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.TestBackends;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.Shape;
import org.aimjvm.checkpoint.VqConfigJson;
import org.aimjvm.nn.Params;
import org.aimjvm.nn.Trace;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.PointwiseOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.tensor.Gradients;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Laws that a tokenizer keeps whatever its weights, on every backend. */
@EverySimdWidth
class VqLawsTest {
    private static final int HEIGHT = 12;
    private static final int WIDTH = 8;
    private static final List<Backend> BACKENDS = TestBackends.available();

    private record Built(VqModel model, Params params) {}

    private static Map<String, VqConfig> configs() {
        Map<String, VqConfig> all = new LinkedHashMap<>();
        all.put("RGB", VqConfig.builder()
                .ch(8)
                .chMult(List.of(1, 2))
                .numResBlocks(1)
                .zChannels(6)
                .nEmbed(17)
                .embedDim(4)
                .normGroups(4)
                .build());
        all.put("gray, three levels",
                VqConfig.builder()
                        .ch(4)
                        .chMult(List.of(1, 2, 1))
                        .zChannels(5)
                        .nEmbed(13)
                        .embedDim(3)
                        .channels(1, 1)
                        .normGroups(2)
                        .entropyLossRatio(0.1f)
                        .build());
        all.put("codes not normalised", VqConfig.builder()
                .ch(4)
                .chMult(List.of(2))
                .numResBlocks(1)
                .zChannels(5)
                .nEmbed(13)
                .embedDim(5)
                .channels(2, 3)
                .normGroups(4)
                .l2Norm(false)
                .commitBeta(0.5f)
                .entropyLossRatio(0.1f)
                .build());
        return all;
    }

    static Stream<Arguments> models() {
        return BACKENDS.stream()
                .flatMap(b -> configs().entrySet().stream()
                        .map(e -> Arguments.of(b.name(), e.getKey(), b, e.getValue())));
    }

    private static Built build(VqConfig config, Backend backend) {
        Params params = Params.random(backend, 9);
        VqModel model = new VqModel(params, config);
        SplittableRandom random = new SplittableRandom(4);
        for (Tensor p : params.trainable().values()) {
            float[] values = p.toFloats();
            for (int i = 0; i < values.length; i++) {
                values[i] += (float) random.nextDouble(-0.2, 0.2);
            }
            p.write(values);
        }
        return new Built(model, params);
    }

    private static float[] pixels(int batch, int channels) {
        SplittableRandom random = new SplittableRandom(5);
        float[] values = new float[batch * channels * HEIGHT * WIDTH];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextDouble(-1, 1);
        }
        return values;
    }

    private static Tensor picture(Backend backend, float[] pixels, int channels) {
        return Tensor.of(backend, Shape.of(pixels.length / (channels * HEIGHT * WIDTH), channels, HEIGHT, WIDTH),
                pixels);
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("models")
    void aPictureDoesNotDependOnItsBatch(String backendName, String name, Backend backend, VqConfig config) {
        VqModel model = build(config, backend).model();
        int batch = 3;
        int f = config.downsampling();
        int area = HEIGHT / f * (WIDTH / f);
        float[] pixels = pixels(batch, config.inChannels());
        try (Scope _ = Scope.inference()) {
            int[] codes = model.encode(picture(backend, pixels, config.inChannels())).toInts();
            float[] decoded = model.decode(
                    Tensor.ofInts(backend, Shape.of(codes.length), codes), batch, HEIGHT / f, WIDTH / f)
                    .toFloats();
            for (int b = 0; b < batch; b++) {
                int in = pixels.length / batch;
                Tensor one = picture(backend, Arrays.copyOfRange(pixels, b * in, (b + 1) * in), config.inChannels());
                int[] own = model.encode(one).toInts();
                assertThat(own).isEqualTo(Arrays.copyOfRange(codes, b * area, (b + 1) * area));
                int out = decoded.length / batch;
                assertThat(
                        model.decode(Tensor.ofInts(backend, Shape.of(area), own), 1, HEIGHT / f, WIDTH / f).toFloats())
                        .isEqualTo(Arrays.copyOfRange(decoded, b * out, (b + 1) * out));
            }
        }
    }

    static Stream<Arguments> threadedModels() {
        return BACKENDS.stream()
                .map(Backend::name)
                .filter(n -> !n.equals("scalar"))
                .flatMap(n -> configs().entrySet().stream().map(e -> Arguments.of(n, e.getKey(), e.getValue())));
    }

    /** Reconstruction, losses and all gradients. */
    private static List<float[]> trainingPass(VqConfig config, Backend backend) {
        Built built = build(config, backend);
        VqModel model = built.model();
        try (Scope _ = Scope.training()) {
            Tensor x = picture(backend, pixels(6, config.inChannels()), config.inChannels());
            Codebook.Quantized q = model.codebook().quantize(model.latents(x, Trace.OFF));
            Tensor y = model.decodeLatents(q.latents(), Trace.OFF);
            Tensor loss = ReduceOp.mean(PointwiseOp.square(y));
            loss = ArithmeticOp.add(loss, ArithmeticOp.add(q.vqLoss(), q.commitLoss()));
            loss = q.entropyLoss() == null ? loss : ArithmeticOp.add(loss, q.entropyLoss());
            Gradients g = loss.backward();
            List<float[]> all = new ArrayList<>(List.of(y.toFloats(), loss.toFloats()));
            built.params().trainable().values().forEach(p -> all.add(g.of(p).toFloats()));
            return all;
        }
    }

    @ParameterizedTest(name = "{0}: {1}", allowZeroInvocations = true) // none without the Vector module
    @MethodSource("threadedModels")
    void nothingDependsOnTheNumberOfThreads(String backendName, String name, VqConfig config) {
        List<float[]> one = trainingPass(config, Backends.open(backendName, 1));
        for (int threads : new int[] {2, 3}) {
            List<float[]> more = trainingPass(config, Backends.open(backendName, threads));
            for (int i = 0; i < one.size(); i++) {
                assertThat(more.get(i)).as(threads + " threads, result " + i).isEqualTo(one.get(i));
            }
        }
    }

    /**
     * Along the gradient plus as much again at random, in all parameters at once; single tensors are the golden
     * data's part.
     */
    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("models")
    void gradientsEqualFiniteDifferences(String backendName, String name, Backend backend, VqConfig config) {
        Built built = build(config, backend);
        List<Tensor> parameters = List.copyOf(built.params().trainable().values());
        List<float[]> gradients = new ArrayList<>();
        double norm = 0;
        try (Scope _ = Scope.training()) {
            Gradients g = halves(built.model()).backward();
            for (Tensor p : parameters) {
                float[] values = g.of(p).toFloats();
                gradients.add(values);
                for (float v : values) {
                    norm += (double) v * v;
                }
            }
        }
        norm = Math.sqrt(norm);
        double random = 1 / Math.sqrt(built.params().count());
        SplittableRandom signs = new SplittableRandom(8);
        List<double[]> direction = new ArrayList<>();
        double analytic = 0;
        for (float[] gradient : gradients) {
            double[] d = new double[gradient.length];
            for (int i = 0; i < d.length; i++) {
                d[i] = (signs.nextBoolean() ? random : -random) + gradient[i] / norm;
                analytic += d[i] * gradient[i];
            }
            direction.add(d);
        }
        double best = Double.POSITIVE_INFINITY;
        for (double h : new double[] {3e-2, 1e-2, 3e-3}) {
            double estimate = (8 * (at(built, parameters, direction, h) - at(built, parameters, direction, -h))
                    - (at(built, parameters, direction, 2 * h) - at(built, parameters, direction, -2 * h)))
                    / (12 * h);
            best = Math.min(best, Math.abs(estimate - analytic));
        }
        assertThat(best).as("of " + analytic).isLessThan(5e-3 * norm);
    }

    /** A smooth function of encoder and decoder; the choice of codes between them is not smooth. */
    private static Tensor halves(VqModel model) {
        VqConfig config = model.config();
        Backend backend = model.backend();
        Tensor z = model.latents(picture(backend, pixels(2, config.inChannels()), config.inChannels()), Trace.OFF);
        int codes = config.nEmbed() / 2 * 2;
        int[] ids = new int[codes];
        Arrays.setAll(ids, i -> i);
        Tensor y = model.decode(Tensor.ofInts(backend, Shape.of(codes), ids), 1, 2, codes / 2);
        return ArithmeticOp.add(weightedSum(z, 3), weightedSum(y, 4));
    }

    private static Tensor weightedSum(Tensor t, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] w = new float[t.size()];
        for (int i = 0; i < w.length; i++) {
            w[i] = (float) (random.nextDouble(-1, 1) / Math.sqrt(w.length));
        }
        return ReduceOp.sum(ArithmeticOp.mul(t, Tensor.of(t.backend(), t.shape(), w)));
    }

    private static double at(Built built, List<Tensor> parameters, List<double[]> direction, double h) {
        List<float[]> saved = parameters.stream().map(Tensor::toFloats).toList();
        for (int k = 0; k < saved.size(); k++) {
            float[] moved = saved.get(k).clone();
            for (int i = 0; i < moved.length; i++) {
                moved[i] += (float) (h * direction.get(k)[i]);
            }
            parameters.get(k).write(moved);
        }
        try (Scope _ = Scope.inference()) {
            return halves(built.model()).item();
        } finally {
            for (int k = 0; k < saved.size(); k++) {
                parameters.get(k).write(saved.get(k));
            }
        }
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("models")
    void picturesOfOtherSizesAreRefused(String backendName, String name, Backend backend, VqConfig config) {
        VqModel model = build(config, backend).model();
        Tensor wrong = Tensor.zeros(backend, Shape.of(1, config.inChannels() + 1, HEIGHT, WIDTH));
        assertThatThrownBy(() -> model.encode(wrong)).hasMessageContaining("expected (batch, " + config.inChannels());
        Tensor codes = Tensor.ofInts(backend, Shape.of(3), 0, 1, 2);
        assertThatThrownBy(() -> model.decode(codes, 1, 2, 2)).hasMessageContaining("3 codes, expected 1 x 2 x 2");
        assertThat(VqConfigJson.parse(VqConfigJson.toJson(config), Path.of("vq_config.json"))).isEqualTo(config);
    }
}
