package org.aimjvm.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.nn.AttentionConfig;
import org.aimjvm.nn.Params;
import org.aimjvm.ssm.Mamba1Config;
import org.aimjvm.ssm.Mamba2Config;
import org.aimjvm.ssm.SsmConfig;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;
import org.junit.jupiter.api.Test;

/** How parameters start: the original's ranges. */
class InitialisationTest {
    private static final Backend SCALAR = Backends.open("scalar", 1);
    private static final int D = 128;
    private static final int LAYERS = 4;

    private static Map<String, Tensor> model(SsmConfig ssm, boolean group) {
        AimConfig config = AimConfig.builder(D)
                .dIntermediate(192)
                .nLayer(LAYERS)
                .vocabSize(300)
                .numClasses(40)
                .numTokens(16)
                .ssm(ssm)
                .attention(AttentionConfig.of(D, 4), List.of(2))
                .tieEmbeddings(false)
                .adaLnGroup(group, 2)
                .build();
        Params params = Params.random(SCALAR, 3);
        new AimModel(params.sub(AimModel.NAME), config, PositionRule.SEQUENCE_INDEX);
        return params.all();
    }

    private static float[] values(Map<String, Tensor> tensors, String name) {
        Tensor t = tensors.get("mamba.backbone." + name);
        assertThat(t).as(name).isNotNull();
        return t.toFloats();
    }

    /** Uniform in [low, high): inside, reaching near both ends, centred. */
    private static void assertUniform(float[] values, double low, double high) {
        double sum = 0;
        double min = Double.POSITIVE_INFINITY;
        double max = Double.NEGATIVE_INFINITY;
        for (float v : values) {
            sum += v;
            min = Math.min(min, v);
            max = Math.max(max, v);
        }
        double width = high - low;
        double slack = 3 * width / values.length + 1e-6;
        assertThat(min).isBetween(low - 1e-6, low + 3 * slack);
        assertThat(max).isBetween(high - 3 * slack, high + 1e-6);
        assertThat(sum / values.length).isCloseTo((low + high) / 2, within(2 * width / Math.sqrt(values.length)));
    }

    private static void assertNormal(float[] values, double deviation) {
        double sum = 0;
        double squares = 0;
        for (float v : values) {
            sum += v;
            squares += (double) v * v;
        }
        double n = values.length;
        assertThat(sum / n).isCloseTo(0, within(5 * deviation / Math.sqrt(n)));
        assertThat(Math.sqrt(squares / n)).isCloseTo(deviation, within(5 * deviation / Math.sqrt(2 * n)));
    }

    private static void assertAll(float[] values, float expected) {
        assertThat(values).containsOnly(expected);
    }

    private static float[] map(float[] values, DoubleUnaryOperator f) {
        float[] mapped = new float[values.length];
        for (int i = 0; i < mapped.length; i++) {
            mapped[i] = (float) f.applyAsDouble(values[i]);
        }
        return mapped;
    }

    @Test
    void embeddingsNormsAndConditioning() {
        Map<String, Tensor> adaLn = model(Mamba2Config.of(D), false);
        assertNormal(values(adaLn, "embeddings.word_embeddings.weight"), 0.02);
        assertNormal(values(adaLn, "embeddings.position_embeddings.weight"), 0.02);
        assertNormal(values(adaLn, "cls_embed.embedding_table.weight"), 0.02);
        assertAll(values(adaLn, "norm_f.weight"), 1);
        assertAll(values(adaLn, "final_layer.norm_final.weight"), 1);
        assertAll(values(adaLn, "layers.0.norm.weight"), 1);
        assertAll(values(adaLn, "layers.0.norm2.weight"), 1);
        for (String linear : List.of("layers.1.adaLN_modulation.1.", "final_layer.adaLN_modulation.1.")) {
            assertAll(values(adaLn, linear + "weight"), 0);
            assertAll(values(adaLn, linear + "bias"), 0);
        }
        assertUniform(adaLn.get("mamba.lm_head.weight").toFloats(), -1 / Math.sqrt(D), 1 / Math.sqrt(D));

        Map<String, Tensor> group = model(Mamba2Config.of(D), true);
        assertUniform(values(group, "adaln_group.1.weight"), -1 / Math.sqrt(D), 1 / Math.sqrt(D));
        assertAll(values(group, "adaln_group.1.bias"), 0);
        assertNormal(values(group, "layers.3.scale_shift_table"), 1 / Math.sqrt(D));
        assertAll(values(group, "final_layer.adaLN_modulation.1.weight"), 0);
    }

    @Test
    void residualProjectionsShrinkWithDepth() {
        Map<String, Tensor> m = model(Mamba2Config.of(D), false);
        double depth = Math.sqrt(LAYERS);
        double mixer = 1 / Math.sqrt(2 * D) / depth;
        assertUniform(values(m, "layers.0.mixer.out_proj.weight"), -mixer, mixer);
        double attention = 1 / Math.sqrt(D) / depth;
        assertUniform(values(m, "layers.2.mixer.out_proj.weight"), -attention, attention);
        assertAll(values(m, "layers.2.mixer.out_proj.bias"), 0);
        assertUniform(values(m, "layers.2.mixer.in_proj.weight"), -1 / Math.sqrt(D), 1 / Math.sqrt(D));
        assertAll(values(m, "layers.2.mixer.in_proj.bias"), 0);
        double mlp = 1 / Math.sqrt(256) / depth; // 192 rounded up to a multiple of 128
        assertUniform(values(m, "layers.0.mlp.fc2.weight"), -mlp, mlp);
        assertUniform(values(m, "layers.0.mlp.fc1.weight"), -1 / Math.sqrt(D), 1 / Math.sqrt(D));
    }

    @Test
    void mamba2() {
        Map<String, Tensor> m = model(
                Mamba2Config.builder(D).dState(8).headDim(1).build(),
                false);
        assertUniform(values(m, "layers.0.mixer.in_proj.weight"), -1 / Math.sqrt(D), 1 / Math.sqrt(D));
        assertUniform(values(m, "layers.0.mixer.conv1d.weight"), -0.5, 0.5);
        assertUniform(values(m, "layers.0.mixer.conv1d.bias"), -0.5, 0.5);
        assertAll(values(m, "layers.0.mixer.D"), 1);
        assertAll(values(m, "layers.0.mixer.norm.weight"), 1);
        assertUniform(map(values(m, "layers.0.mixer.A_log"), Math::exp), 1, 16);
        assertSteps(values(m, "layers.0.mixer.dt_bias"));
    }

    /** softplus gives a step whose logarithm is uniform between those of 0.001 and 0.1. */
    private static void assertSteps(float[] bias) {
        float[] logs = map(bias, b -> Math.log(Math.log1p(Math.exp(b))));
        assertUniform(logs, Math.log(0.001) - 1e-3, Math.log(0.1) + 1e-3);
    }

    @Test
    void stepsAreAtLeastTheFloor() {
        Map<String, Tensor> m = model(
                Mamba2Config.builder(D).dState(8).headDim(1).dtInitFloor(0.01).convInit(0.25).build(),
                false);
        float[] steps = map(values(m, "layers.0.mixer.dt_bias"), b -> Math.log1p(Math.exp(b)));
        for (float step : steps) {
            assertThat(step).isBetween(0.01f - 1e-6f, 0.1f + 1e-6f);
        }
        assertUniform(values(m, "layers.0.mixer.conv1d.weight"), -0.25, 0.25); // conv_init
    }

    @Test
    void mamba1() {
        Map<String, Tensor> m = model(Mamba1Config.of(D), false);
        float[] aLog = values(m, "layers.0.mixer.A_log"); // (dInner, N)
        for (int i = 0; i < aLog.length; i++) {
            assertThat(aLog[i]).isCloseTo((float) Math.log(i % 16 + 1), within(1e-6f));
        }
        assertAll(values(m, "layers.0.mixer.D"), 1);
        assertSteps(values(m, "layers.0.mixer.dt_proj.bias"));
        double rank = 1 / Math.sqrt(8); // ceil(128 / 16)
        assertUniform(values(m, "layers.0.mixer.dt_proj.weight"), -rank, rank);
        assertUniform(values(m, "layers.0.mixer.x_proj.weight"), -1 / Math.sqrt(2 * D), 1 / Math.sqrt(2 * D));
        assertUniform(values(m, "layers.0.mixer.conv1d.weight"), -0.5, 0.5);
    }

    @Test
    void tokenizer() {
        VqConfig config = VqConfig.builder()
                .ch(32)
                .chMult(List.of(1, 2))
                .numResBlocks(1)
                .zChannels(16)
                .nEmbed(64)
                .build();
        Params params = Params.random(SCALAR, 5);
        new VqModel(params, config);
        Map<String, Tensor> t = params.all();
        double fan = 1 / Math.sqrt(32 * 9);
        assertUniform(t.get("encoder.conv_blocks.0.res.0.conv1.weight").toFloats(), -fan, fan);
        assertUniform(t.get("encoder.conv_blocks.0.res.0.conv1.bias").toFloats(), -fan, fan);
        assertAll(t.get("encoder.conv_blocks.0.res.0.norm1.weight").toFloats(), 1);
        assertAll(t.get("encoder.conv_blocks.0.res.0.norm1.bias").toFloats(), 0);
        assertAll(t.get("quantize.codebook_used").toFloats(), 0);
        float[] codes = t.get("quantize.embedding.weight").toFloats();
        for (int row = 0; row < 64; row++) {
            double norm = 0;
            for (int i = 0; i < 8; i++) {
                norm += (double) codes[row * 8 + i] * codes[row * 8 + i];
            }
            assertThat(norm).isCloseTo(1, within(1e-5));
        }
    }

    @Test
    void theSeedDecidesAndNotTheOrderOfAsking() {
        Params a = Params.random(SCALAR, 1);
        Params b = Params.random(SCALAR, 1);
        Params c = Params.random(SCALAR, 2);
        AimConfig two = AimConfig.mamba2(32, 2, 0).withData(16, 4, 3);
        AimConfig one = AimConfig.mamba2(32, 1, 0).withData(16, 4, 3);
        new AimModel(a.sub(AimModel.NAME), two, PositionRule.SEQUENCE_INDEX);
        new AimModel(b.sub(AimModel.NAME), one, PositionRule.SEQUENCE_INDEX);
        new AimModel(c.sub(AimModel.NAME), one, PositionRule.SEQUENCE_INDEX);
        String name = "mamba.backbone.layers.0.mixer.in_proj.weight";
        assertThat(b.all().get(name).toFloats()).isEqualTo(a.all().get(name).toFloats());
        assertThat(c.all().get(name).toFloats()).isNotEqualTo(a.all().get(name).toFloats());
    }
}
