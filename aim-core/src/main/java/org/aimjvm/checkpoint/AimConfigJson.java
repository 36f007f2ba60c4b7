package org.aimjvm.checkpoint;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.JsonObject;
import org.aimjvm.model.AimConfig;
import org.aimjvm.nn.AttentionConfig;
import org.aimjvm.ssm.Mamba1Config;
import org.aimjvm.ssm.Mamba2Config;
import org.aimjvm.ssm.SsmConfig;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The published {@code config.json}: a flat object, or the same nested under {@code config}. Unknown keys are ignored,
 * missing ones take the defaults of the original code.
 */
public final class AimConfigJson {
    private static final Set<String> MAMBA2_KEYS = new TreeSet<>(List.of(
            "layer", "d_state", "d_conv", "expand", "headdim", "ngroups", "d_ssm", "D_has_hdim", "rmsnorm",
            "norm_before_gate",
            "A_init_range", "dt_min", "dt_max", "dt_init_floor", "dt_limit", "bias", "conv_bias", "conv_init",
            "chunk_size",
            "use_mem_eff_path", "process_group", "sequence_parallel", "activation", "d_model"));
    private static final Set<String> MAMBA1_KEYS = new TreeSet<>(List.of(
            "layer", "d_state", "d_conv", "expand", "dt_rank", "dt_min", "dt_max", "dt_init", "dt_scale",
            "dt_init_floor",
            "bias", "conv_bias", "use_fast_path", "d_model"));
    private static final Set<String> ATTENTION_KEYS = new TreeSet<>(List.of(
            "num_heads", "num_heads_kv", "head_dim", "qkv_proj_bias", "out_proj_bias", "causal", "rotary_emb_dim",
            "d_conv",
            "mlp_dim", "embed_dim", "softmax_scale"));

    /** Of a configuration that says none. */
    private static final int D_MODEL = 1024;
    /** Whose defaults are looked at: not every width is a multiple of the default headdim. */
    private static final int ANY_WIDTH = 64;

    private AimConfigJson() {}

    /**
     * Parses a configuration.
     *
     * @param where file name for messages
     * @throws CheckpointException if it is not JSON, a value has the wrong type or range, or an argument of a mixer is unknown
     */
    public static AimConfig parse(String json, Path where) {
        JsonObject tree = JsonObject.parse(json, where);
        try {
            return config(tree.hasObject("config") ? tree.object("config") : tree);
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(where, null, e.getMessage(), e);
        }
    }

    private static AimConfig config(JsonObject n) {
        int dModel = n.integer("d_model", D_MODEL);
        AimConfig d = AimConfig.builder(dModel).ssm(n.has("ssm_cfg") ? ssm(n.object("ssm_cfg"), dModel) : null).build();
        List<Integer> attentionLayers = n.integers("attn_layer_idx", d.attentionLayers());
        return d.toBuilder()
                .dIntermediate(n.integer("d_intermediate", d.dIntermediate()))
                .nLayer(n.integer("n_layer", d.nLayer()))
                .vocabSize(n.integer("vocab_size", d.vocabSize()))
                .numClasses(n.integer("num_classes", d.numClasses()))
                .numTokens(n.integer("num_tokens", d.numTokens()))
                .attention(attentionLayers.isEmpty() ? null : attention(n.object("attn_cfg"), dModel), attentionLayers)
                .rmsNorm(n.bool("rms_norm", d.rmsNorm()))
                .tieEmbeddings(n.bool("tie_embeddings", d.tieEmbeddings()))
                .adaLnGroup(n.bool("adaln_group", d.adaLnGroup()), n.integer("num_groups", d.numGroups()))
                .dropout(
                        n.floatNumber("token_drop", d.tokenDrop()),
                        n.floatNumber("mixer_drop", d.mixerDrop()),
                        n.floatNumber("mlp_drop", d.mlpDrop()))
                .build();
    }

    private static SsmConfig ssm(JsonObject s, int dModel) {
        String layer = s.text("layer", "Mamba1");
        return switch (layer) {
            case "Mamba2" -> mamba2(s, dModel);
            case "Mamba1" -> mamba1(s, dModel);
            default -> throw new IllegalArgumentException("ssm_cfg.layer: " + layer + " (expected Mamba1 or Mamba2)");
        };
    }

    private static Mamba2Config mamba2(JsonObject s, int dModel) {
        s.onlyKnown(MAMBA2_KEYS);
        requireWidth(s, dModel);
        String activation = s.text("activation", "swish");
        if (!activation.equals("swish") && !activation.equals("silu")) {
            throw new IllegalArgumentException("ssm_cfg.activation: " + activation + " (expected swish or silu)");
        }
        Mamba2Config d = Mamba2Config.of(ANY_WIDTH);
        double[] aRange = s.range("A_init_range", d.aInitMin(), d.aInitMax());
        double[] limit = s.range("dt_limit", d.dtLimitMin(), d.dtLimitMax());
        return Mamba2Config.builder(dModel)
                .dState(s.integer("d_state", d.dState()))
                .dConv(s.integer("d_conv", d.dConv()))
                .expand(s.integer("expand", d.expand()))
                .headDim(s.integer("headdim", d.headDim()))
                .nGroups(s.integer("ngroups", d.nGroups()))
                .dSsm(s.integer("d_ssm", d.dSsm()))
                .perChannelD(s.bool("D_has_hdim", d.perChannelD()))
                .rmsNorm(s.bool("rmsnorm", d.rmsNorm()))
                .normBeforeGate(s.bool("norm_before_gate", d.normBeforeGate()))
                .aInit(aRange[0], aRange[1])
                .dtMin(s.number("dt_min", d.dtMin()))
                .dtMax(s.number("dt_max", d.dtMax()))
                .dtInitFloor(s.number("dt_init_floor", d.dtInitFloor()))
                .dtLimit((float) limit[0], (float) limit[1])
                .bias(s.bool("bias", d.bias()))
                .convBias(s.bool("conv_bias", d.convBias()))
                .convInit(s.number("conv_init", d.convInit()))
                .build();
    }

    private static Mamba1Config mamba1(JsonObject s, int dModel) {
        s.onlyKnown(MAMBA1_KEYS);
        requireWidth(s, dModel);
        boolean automaticRank = !s.has("dt_rank") || s.hasText("dt_rank");
        String init = s.text("dt_init", "random");
        if (!init.equals("random") && !init.equals("constant")) {
            throw new IllegalArgumentException("ssm_cfg.dt_init: " + init + " (expected random or constant)");
        }
        Mamba1Config d = Mamba1Config.of(dModel);
        return d.toBuilder()
                .dState(s.integer("d_state", d.dState()))
                .dConv(s.integer("d_conv", d.dConv()))
                .expand(s.integer("expand", d.expand()))
                .dtRank(automaticRank ? d.dtRank() : s.integer("dt_rank", d.dtRank()))
                .dtMin(s.number("dt_min", d.dtMin()))
                .dtMax(s.number("dt_max", d.dtMax()))
                .dtInitFloor(s.number("dt_init_floor", d.dtInitFloor()))
                .dtScale(s.number("dt_scale", d.dtScale()))
                .dtConstant(init.equals("constant"))
                .bias(s.bool("bias", d.bias()))
                .convBias(s.bool("conv_bias", d.convBias()))
                .build();
    }

    private static void requireWidth(JsonObject s, int dModel) {
        int width = s.integer("d_model", dModel);
        if (width != dModel) {
            throw new IllegalArgumentException("ssm_cfg.d_model: " + width + " (expected d_model " + dModel + ")");
        }
    }

    private static AttentionConfig attention(JsonObject a, int dModel) {
        a.onlyKnown(ATTENTION_KEYS);
        for (String unsupported : List.of("rotary_emb_dim", "d_conv", "mlp_dim")) {
            if (a.integer(unsupported, 0) != 0) {
                throw new IllegalArgumentException("attn_cfg." + unsupported + ": " + a.integer(unsupported, 0)
                        + " (expected 0: the published models use none)");
            }
        }
        if (!a.bool("causal", true)) {
            throw new IllegalArgumentException(
                    "attn_cfg.causal: false (expected true: tokens are predicted in raster order)");
        }
        if (a.has("softmax_scale")) {
            throw new IllegalArgumentException(
                    "attn_cfg.softmax_scale: " + a.number("softmax_scale", 0)
                            + " (expected none: 1/sqrt(head_dim) is used)");
        }
        int heads = a.integer("num_heads", 0);
        int headDim = a.has("head_dim") ? a.integer("head_dim", 0) : AttentionConfig.of(dModel, heads).headDim();
        return new AttentionConfig(
                dModel,
                heads,
                a.integer("num_heads_kv", heads),
                headDim,
                a.bool("qkv_proj_bias", true),
                a.bool("out_proj_bias", true));
    }

    /** The configuration as the published flat object, keys sorted; arguments of the mixer that are defaults are left out. */
    public static String toJson(AimConfig c) {
        JsonMapper mapper = new JsonMapper();
        ObjectNode n = mapper.createObjectNode();
        n.put("adaln_group", c.adaLnGroup());
        ObjectNode attention = n.putObject("attn_cfg");
        if (c.attention() != null) {
            AttentionConfig a = c.attention();
            attention.put("causal", true);
            if (a.headDim() * a.numHeads() != c.dModel()) {
                attention.put("head_dim", a.headDim());
            }
            attention.put("num_heads", a.numHeads());
            if (a.numHeadsKv() != a.numHeads()) {
                attention.put("num_heads_kv", a.numHeadsKv());
            }
            putIf(attention, "out_proj_bias", a.outBias(), true);
            putIf(attention, "qkv_proj_bias", a.qkvBias(), true);
        }
        ArrayNode layers = n.putArray("attn_layer_idx");
        c.attentionLayers().forEach(layers::add);
        n.put("d_intermediate", c.dIntermediate());
        n.put("d_model", c.dModel());
        n.put("fused_add_norm", true);
        n.put("mixer_drop", c.mixerDrop());
        n.put("mlp_drop", c.mlpDrop());
        n.put("n_layer", c.nLayer());
        n.put("num_classes", c.numClasses());
        n.put("num_groups", c.numGroups());
        n.put("num_tokens", c.numTokens());
        n.put("pad_vocab_size_multiple", 8);
        n.put("residual_in_fp32", true);
        n.put("rms_norm", c.rmsNorm());
        ObjectNode s = n.putObject("ssm_cfg");
        switch (c.ssm()) {
            case Mamba2Config m -> putMamba2(s, m);
            case Mamba1Config m -> putMamba1(s, m);
        }
        n.put("tie_embeddings", c.tieEmbeddings());
        n.put("token_drop", c.tokenDrop());
        n.put("vocab_size", c.vocabSize());
        return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(n) + "\n";
    }

    private static void putMamba2(ObjectNode s, Mamba2Config m) {
        Mamba2Config defaults = Mamba2Config.of(ANY_WIDTH);
        if (m.aInitMin() != defaults.aInitMin() || m.aInitMax() != defaults.aInitMax()) {
            s.putArray("A_init_range").add(m.aInitMin()).add(m.aInitMax());
        }
        putIf(s, "D_has_hdim", m.perChannelD(), defaults.perChannelD());
        putIf(s, "bias", m.bias(), defaults.bias());
        putIf(s, "conv_bias", m.convBias(), defaults.convBias());
        if (!Double.isNaN(m.convInit())) {
            s.put("conv_init", m.convInit());
        }
        putIf(s, "d_conv", m.dConv(), defaults.dConv());
        if (m.dSsm() != 0) {
            s.put("d_ssm", m.dSsm());
        }
        putIf(s, "d_state", m.dState(), defaults.dState());
        putIf(s, "dt_init_floor", m.dtInitFloor(), defaults.dtInitFloor());
        if (m.dtLimitMin() != 0 || m.dtLimitMax() != Float.POSITIVE_INFINITY) {
            ArrayNode limit = s.putArray("dt_limit").add(m.dtLimitMin());
            // JSON has no infinity, and a text would not load in the original; the greatest float clamps nothing either
            limit.add(Math.min(m.dtLimitMax(), Float.MAX_VALUE));
        }
        putIf(s, "dt_max", m.dtMax(), defaults.dtMax());
        putIf(s, "dt_min", m.dtMin(), defaults.dtMin());
        putIf(s, "expand", m.expand(), defaults.expand());
        putIf(s, "headdim", m.headDim(), defaults.headDim());
        s.put("layer", "Mamba2");
        putIf(s, "ngroups", m.nGroups(), defaults.nGroups());
        putIf(s, "norm_before_gate", m.normBeforeGate(), defaults.normBeforeGate());
        putIf(s, "rmsnorm", m.rmsNorm(), defaults.rmsNorm());
    }

    private static void putMamba1(ObjectNode s, Mamba1Config m) {
        Mamba1Config defaults = Mamba1Config.of(m.dModel());
        putIf(s, "bias", m.bias(), defaults.bias());
        putIf(s, "conv_bias", m.convBias(), defaults.convBias());
        putIf(s, "d_conv", m.dConv(), defaults.dConv());
        putIf(s, "d_state", m.dState(), defaults.dState());
        if (m.dtConstant()) {
            s.put("dt_init", "constant");
        }
        putIf(s, "dt_init_floor", m.dtInitFloor(), defaults.dtInitFloor());
        putIf(s, "dt_max", m.dtMax(), defaults.dtMax());
        putIf(s, "dt_min", m.dtMin(), defaults.dtMin());
        putIf(s, "dt_rank", m.dtRank(), defaults.dtRank());
        putIf(s, "dt_scale", m.dtScale(), defaults.dtScale());
        putIf(s, "expand", m.expand(), defaults.expand());
        s.put("layer", "Mamba1");
    }

    private static void putIf(ObjectNode n, String key, int value, int standard) {
        if (value != standard) {
            n.put(key, value);
        }
    }

    private static void putIf(ObjectNode n, String key, double value, double standard) {
        if (value != standard) {
            n.put(key, value);
        }
    }

    private static void putIf(ObjectNode n, String key, boolean value, boolean standard) {
        if (value != standard) {
            n.put(key, value);
        }
    }
}
