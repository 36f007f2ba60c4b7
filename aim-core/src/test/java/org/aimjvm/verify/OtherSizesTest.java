package org.aimjvm.verify;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.TestBackends;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.SsdSettings;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.checkpoint.AimConfigJson;
import org.aimjvm.checkpoint.VqConfigJson;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.AttentionConfig;
import org.aimjvm.nn.Dropout;
import org.aimjvm.nn.Params;
import org.aimjvm.nn.Trace;
import org.aimjvm.op.conv.Conv2dOp;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.op.elementwise.SplitOp;
import org.aimjvm.op.softmax.CrossEntropyOp;
import org.aimjvm.op.ssm.ScanResult;
import org.aimjvm.op.ssm.SsdScanOp;
import org.aimjvm.ssm.Mamba2;
import org.aimjvm.ssm.Mamba2Config;
import org.aimjvm.ssm.SsmState;
import org.aimjvm.tensor.Gradients;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The verifier takes sizes from the files: cases of other sizes, written from what the scalar backend computes,
 * pass on every
 * backend, and every array counts.
 */
@EverySimdWidth
class OtherSizesTest {
    private static final Backend SCALAR = GoldenData.scalar();

    @TempDir private Path dir;

    private void assertPasses(int checks) {
        for (Backend backend : TestBackends.available()) {
            CaseResult r = GoldenVerifier.verify(dir, backend).getFirst();
            assertThat(r.status()).as(r.toString()).isEqualTo(CaseResult.Status.PASS);
            assertThat(r.checks()).as(r.toString()).isEqualTo(checks);
        }
    }

    private static Tensor random(int seed, double low, double high, int... dims) {
        Shape shape = Shape.of(dims);
        float[] values = new float[shape.size()];
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextDouble(low, high);
        }
        return Tensor.parameter(SCALAR, shape, values);
    }

    private static void perturb(Params params) {
        int seed = 0;
        for (Tensor p : params.trainable().values()) {
            Tensor by = random(++seed, -0.2, 0.2, p.shape().toArray());
            p.write(ArithmeticOp.add(p, by));
        }
    }

    private static Map<String, Tensor> gradients(Params params, Gradients g) {
        Map<String, Tensor> all = new TreeMap<>();
        params.trainable().forEach((name, p) -> all.put(name, g.of(p)));
        return all;
    }

    @Test
    void scan() throws IOException {
        SsdSettings s = SsdSettings.unlimited(6, 3, 3, 5);
        Tensor x = random(1, -1, 1, 1, 70, 6, 3);
        Tensor b = random(2, -1, 1, 1, 70, 3, 5);
        Tensor c = random(3, -1, 1, 1, 70, 3, 5);
        Tensor dt = random(4, -2, 1, 1, 70, 6);
        Tensor aLog = random(5, -1, 1, 6);
        Tensor dY = random(6, -1, 1, 1, 70, 6, 3);
        try (Scope _ = Scope.training()) {
            Tensor xbc = SplitOp.concat(x.reshape(1, 70, 18), b.reshape(1, 70, 15), c.reshape(1, 70, 15));
            ScanResult r = SsdScanOp.ssdScanFrom(xbc, dt, Tensor.zeros(SCALAR, Shape.of(6)), aLog, null, null, s);
            Tensor y = r.y().reshape(1, 70, 6, 3);
            Gradients g = ReduceOp.sum(ArithmeticOp.mul(y, dY)).backward();
            CaseWriter w = new CaseWriter(dir, "ssd_len70");
            w.input("x", x).input("B", b).input("C", c).input("dt", dt).input("A_log", aLog).input("d_y", dY);
            w.output("y", y).output("final_state", r.finalState()).output("grad_x", g.of(x)).output("grad_A_log",
                    g.of(aLog));
            w.output("grad_B", g.of(b)).close();
        }
        assertPasses(2 + 3 + 3 * 2); // outputs, gradients, three ways of decoding
    }

    @Test
    void convolution() throws IOException {
        Tensor x = random(1, -1, 1, 3, 5, 11, 7);
        Tensor weight = random(2, -1, 1, 2, 5, 5, 5);
        try (Scope _ = Scope.inference()) {
            CaseWriter w = new CaseWriter(dir, "conv2d_5x5_s3_p1");
            w.input("x", x).input("weight", weight);
            w.output("y", Conv2dOp.conv2d(x, weight, null, 3, 1, 1, 1, 1)).close();
        }
        assertPasses(1);
    }

    /** Padded to keep the size in the kernel's direction alone, as InceptionV3's. */
    @ParameterizedTest
    @CsvSource({"1, 7", "7, 1"})
    void longConvolution(int kernelHeight, int kernelWidth) throws IOException {
        int top = kernelHeight / 2;
        int left = kernelWidth / 2;
        Tensor x = random(1, -1, 1, 2, 5, 11, 9);
        Tensor weight = random(2, -1, 1, 6, 5, kernelHeight, kernelWidth);
        Tensor bias = random(3, -1, 1, 6);
        Tensor dY = random(4, -1, 1, 2, 6, 11, 9);
        try (Scope _ = Scope.training()) {
            Tensor y = Conv2dOp.conv2d(x, weight, bias, 1, top, left, top, left);
            Gradients g = ReduceOp.sum(ArithmeticOp.mul(y, dY)).backward();
            CaseWriter w = new CaseWriter(dir, "conv2d_" + kernelHeight + "x" + kernelWidth);
            w.input("x", x).input("weight", weight).input("bias", bias).input("d_y", dY).output("y", y);
            w.output("grad_x", g.of(x)).output("grad_weight", g.of(weight)).output("grad_bias", g.of(bias)).close();
        }
        assertPasses(4);
    }

    @Test
    void mixer() throws IOException {
        Mamba2Config config = Mamba2Config.builder(10)
                .dState(6)
                .dConv(3)
                .expand(3)
                .headDim(5)
                .nGroups(2)
                .dSsm(20)
                .perChannelD(true)
                .normBeforeGate(true)
                .bias(true)
                .build();
        Params params = Params.random(SCALAR, 1);
        Mamba2 mixer = new Mamba2(params, config, 1);
        perturb(params);
        Tensor u = random(1, -1, 1, 3, 9, 10);
        try (Scope _ = Scope.inference()) {
            CaseWriter w = new CaseWriter(dir, "mamba2_mixer_wide");
            w.setting("d_model", 10).setting("d_state", 6).setting("d_conv", 3).setting("expand", 3).setting("headdim",
                    5);
            w.setting("ngroups", 2).setting("d_ssm", 20).setting("elapsed", 0.5);
            w.flag("D_has_hdim", true).flag("norm_before_gate", true).flag("bias", true);
            SsmState state = mixer.newState(3, 9, StateFormat.F32);
            mixer.forward(Sequences.slice(u, 0, 4), state);
            w.input("u", u).tensors("weights.safetensors", params.all(), "");
            w.output("conv_state_prefill", state.conv(), "state after a prefill of 4 elements");
            w.output("y", mixer.forward(u, null)).close();
        }
        assertPasses(3); // y at once, y decoded, the state
    }

    @Test
    void sequenceModel() throws IOException {
        Mamba2Config ssm = Mamba2Config.builder(12).dState(4).headDim(3).build();
        AimConfig config = AimConfig.builder(12)
                .nLayer(5)
                .vocabSize(19)
                .numClasses(3)
                .numTokens(30)
                .ssm(ssm)
                .attention(AttentionConfig.of(12, 3), List.of(0, 3))
                .rmsNorm(false)
                .groups(2)
                .build();
        Params params = Params.random(SCALAR, 1);
        AimModel model = new AimModel(params.sub(AimModel.NAME), config, PositionRule.PUBLISHED_TRAINING);
        perturb(params);
        int[] labels = {2};
        int[] tokens = {3, 1, 4, 1, 5, 9, 2};
        Map<String, Tensor> seen = new TreeMap<>();
        Trace trace = (name, value) -> seen.put("act_" + name, value);
        try (Scope _ = Scope.training()) {
            Tensor fed = Tensor.ofInts(SCALAR, Shape.of(1, 6), Arrays.copyOf(tokens, 6));
            Tensor logits = model.forward(
                    model.condition(Tensor.ofInts(SCALAR, Shape.of(1), labels)), fed, null, Dropout.OFF, trace);
            Tensor loss =
                    ReduceOp.mean(CrossEntropyOp.crossEntropy(logits, Tensor.ofInts(SCALAR, Shape.of(1, 7), tokens)));
            CaseWriter w = new CaseWriter(dir, "mamba2-five-layers");
            w.ints("tokens", Shape.of(1, 7), tokens).ints("labels", Shape.of(1), labels).output("logits", logits);
            w.output("loss", loss.reshape(1)).output("act_layer4_hidden", seen.get("act_layer4_hidden"));
            w.text("config.json", AimConfigJson.toJson(config)).tensors("model.safetensors", params.all(), "");
            w.tensors("grads.safetensors", gradients(params, loss.backward()),
                    "per tensor: |a-b| <= 2e-4 * max|b| + 1e-6");
            w.close();
        }
        assertPasses(3 + params.trainable().size());
    }

    @Test
    void tokenizer() throws IOException {
        VqConfig config = VqConfig.builder()
                .ch(8)
                .chMult(List.of(1, 2, 1))
                .zChannels(5)
                .nEmbed(13)
                .embedDim(4)
                .channels(1, 1)
                .normGroups(4)
                .l2Norm(false)
                .build();
        Params params = Params.random(SCALAR, 1);
        VqModel model = new VqModel(params, config);
        perturb(params);
        Tensor image = random(1, -1, 1, 2, 1, 12, 8);
        try (Scope _ = Scope.inference()) {
            Tensor codes = model.encode(image);
            CaseWriter w = new CaseWriter(dir, "vq-gray");
            w.input("image", image).ints("indices", codes.shape(), codes.toInts());
            w.output("pre_quant", model.latents(image)).output("decoded", model.decode(codes, 2, 3, 2));
            w.text("vq_config.json", VqConfigJson.toJson(config)).tensors("model.safetensors", params.trainable(), "")
                    .close();
        }
        assertPasses(1 + 2 + 2);
    }
}
