package org.aimjvm.verify;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.checkpoint.AimConfigJson;
import org.aimjvm.io.TensorSource;
import org.aimjvm.nn.Mixer;
import org.aimjvm.nn.Params;
import org.aimjvm.ssm.Mamba1;
import org.aimjvm.ssm.Mamba1Config;
import org.aimjvm.ssm.Mamba2;
import org.aimjvm.ssm.Mamba2Config;
import org.aimjvm.ssm.SsmState;
import org.aimjvm.tensor.Gradients;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.AttnBlock;
import org.aimjvm.vq.ResBlock;
import org.aimjvm.vq.VqConfig;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Golden cases of layers: {@code weights.safetensors}, an input, an output, gradients of all of them. */
final class BlockGolden {
    private static final String WEIGHTS = "weights.safetensors";
    private static final String GRADS = "grads.safetensors";
    /** Settings that are arguments of a mixer; others only tell about the data. */
    private static final List<String> MIXER_ARGUMENTS = List.of(
            "d_state", "d_conv", "expand", "headdim", "ngroups", "d_ssm", "D_has_hdim", "rmsnorm", "norm_before_gate",
            "dt_limit",
            "bias", "conv_bias", "chunk_size", "dt_rank");

    /** A layer with the parameters it was built on. */
    private record Built<T>(T layer, Params params) {}

    private BlockGolden() {}

    static void mamba1(GoldenCase c, GoldenChecks checks, Backend backend) {
        mixer(c, checks, backend, "Mamba1");
    }

    static void mamba2(GoldenCase c, GoldenChecks checks, Backend backend) {
        mixer(c, checks, backend, "Mamba2");
    }

    static void residualBlock(GoldenCase c, GoldenChecks checks, Backend backend) {
        if (checks.requires("x", "y")) {
            int in = c.shape("x").dim(1);
            int out = c.shape("y").dim(1);
            layer(c, checks, backend, "x", p -> new ResBlock(p, in, out, tokenizer(c))::forward);
        }
    }

    static void attentionBlock(GoldenCase c, GoldenChecks checks, Backend backend) {
        if (checks.requires("x")) {
            int channels = c.shape("x").dim(1);
            layer(c, checks, backend, "x", p -> new AttnBlock(p, channels, tokenizer(c))::forward);
        }
    }

    /** A tokenizer whose only relevant arguments are those of GroupNorm. */
    private static VqConfig tokenizer(GoldenCase c) {
        int groups = (int) c.setting("groups", 32);
        return VqConfig.builder()
                .ch(groups)
                .chMult(List.of(1))
                .numResBlocks(1)
                .zChannels(1)
                .nEmbed(1)
                .embedDim(1)
                .channels(1, 1)
                .normGroups(groups)
                .normEps((float) c.setting("eps", 1e-6))
                .build();
    }

    private static void mixer(GoldenCase c, GoldenChecks checks, Backend backend, String layer) {
        if (!checks.requires("u")) {
            return;
        }
        Function<Params, Mixer> build = mixerBuilder(c, layer);
        layer(c, checks, backend, "u", p -> {
            Mixer mixer = build.apply(p);
            return u -> mixer.forward(u, null);
        });
        Mixer mixer = build(c, backend, build).layer;
        try (Scope _ = Scope.inference()) {
            decode(c, checks, mixer, c.tensor(backend, "u"));
        }
    }

    private static <T> Built<T> build(GoldenCase c, Backend backend, Function<Params, T> build) {
        try (TensorSource weights = c.open(WEIGHTS)) {
            Params params = Params.from(backend, weights, build::apply);
            return new Built<>(build.apply(params), params);
        }
    }

    private static Function<Params, Mixer> mixerBuilder(GoldenCase c, String layer) {
        ObjectNode config = new JsonMapper().createObjectNode();
        config.put("d_model", c.shape("u").dim(2));
        config.put("n_layer", 1);
        ObjectNode arguments = config.putObject("ssm_cfg");
        arguments.put("layer", layer);
        for (Map.Entry<String, JsonNode> setting : c.settings().properties()) {
            if (MIXER_ARGUMENTS.contains(setting.getKey())) {
                arguments.set(setting.getKey(), setting.getValue());
            }
        }
        return switch (AimConfigJson.parse(config.toString(), c.folder().resolve(GoldenCase.README)).ssm()) {
            case Mamba1Config m -> p -> new Mamba1(p, m, 1);
            case Mamba2Config m -> p -> new Mamba2(p, m, 1);
        };
    }

    /** A prefill, then one element at a time: the same outputs, and the states after both. */
    private static void decode(GoldenCase c, GoldenChecks checks, Mixer mixer, Tensor u) {
        int length = u.dim(1);
        int prefill = prefillLength(c, length);
        float[] y = new float[u.size()];
        SsmState state = (SsmState) mixer.newState(u.dim(0), length, StateFormat.F32);
        Sequences.put(y, mixer.forward(Sequences.slice(u, 0, prefill), state), length, 0);
        if (prefill < length) {
            checks.array("conv_state_prefill", state.conv());
            checks.array("ssm_state_prefill", state.ssm());
        }
        for (int t = prefill; t < length; t++) {
            Sequences.put(y, mixer.forward(Sequences.slice(u, t, t + 1), state), length, t);
        }
        checks.floats("y", "y after a prefill of " + prefill, u.shape(), y);
        checks.array("conv_state", state.conv());
        checks.array("ssm_state", state.ssm());
    }

    /** Stated in the meaning of the states after it. */
    private static int prefillLength(GoldenCase c, int length) {
        for (String array : List.of("conv_state_prefill", "ssm_state_prefill")) {
            if (c.has(array)) {
                int n = (int) GoldenCase.find(c.info(array).meaning(), "prefill of (\\d+)", 0);
                if (n < 1 || n >= length) {
                    throw new IllegalArgumentException(
                            array + ": meaning \"" + c.info(array).meaning()
                                    + "\" (expected \"... prefill of N elements\", N below "
                                    + length + ")");
                }
                return n;
            }
        }
        return (length + 1) / 2;
    }

    private static void layer(
            GoldenCase c,
            GoldenChecks checks,
            Backend backend,
            String input,
            Function<Params, UnaryOperator<Tensor>> build) {
        checks.input(input, WEIGHTS);
        Built<UnaryOperator<Tensor>> built = build(c, backend, build);
        try (Scope _ = Scope.training()) {
            Tensor x = c.parameter(backend, input);
            Tensor y = built.layer.apply(x);
            checks.array("y", y);
            Tensor loss = Differentiated.loss(c, checks, Map.of("y", y));
            if (loss == null) {
                checks.skip("grad_" + input, "the case has no upstream gradient");
                return;
            }
            Gradients gradients = loss.backward();
            checks.array("grad_" + input, Differentiated.gradientOrZeros(gradients, x));
            GradientFiles.check(c, checks, GRADS, built.params.trainable(), gradients);
        }
    }
}
