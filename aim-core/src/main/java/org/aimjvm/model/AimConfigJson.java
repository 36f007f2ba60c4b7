package org.aimjvm.model;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.nn.AttentionConfig;
import org.aimjvm.ssm.Mamba1Config;
import org.aimjvm.ssm.Mamba2Config;
import org.aimjvm.ssm.SsmConfig;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The published {@code config.json}: a flat object, or the same nested under {@code config}. Unknown keys are ignored,
 * missing ones take the defaults of the original code.
 */
public final class AimConfigJson {
    /** A configuration is a page of text; more is an attack. */
    private static final int MAX_DEPTH = 16;

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

    private final Path where;

    private AimConfigJson(Path where) {
        this.where = where;
    }

    /**
     * Parses a configuration.
     *
     * @param where file name for messages
     * @throws CheckpointException if it is not JSON, a value has the wrong type or range, or an argument of a mixer is unknown
     */
    public static AimConfig parse(String json, Path where) {
        JsonNode tree = mapper(json, where);
        JsonNode node = tree.get("config") != null && tree.get("config").isObject() ? tree.get("config") : tree;
        try {
            return new AimConfigJson(where).config(node);
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(where, null, e.getMessage(), e);
        }
    }

    private static JsonNode mapper(String json, Path where) {
        JsonFactory factory = JsonFactory.builder()
                .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH).build())
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .build();
        try {
            JsonNode tree = new JsonMapper(factory).readTree(json);
            if (tree == null || !tree.isObject()) {
                throw new CheckpointException(where, null, "not a JSON object (expected a model configuration)");
            }
            return tree;
        } catch (JacksonException e) {
            throw new CheckpointException(where, null, "not JSON: " + e.getOriginalMessage(), e);
        }
    }

    private AimConfig config(JsonNode n) {
        int dModel = integer(n, "d_model", 1024);
        List<Integer> attentionLayers = new ArrayList<>();
        if (has(n, "attn_layer_idx")) {
            JsonNode list = n.get("attn_layer_idx");
            if (!list.isArray()) {
                throw new IllegalArgumentException("attn_layer_idx: " + list + " (expected a list of layer numbers)");
            }
            for (JsonNode i : list) {
                if (!i.isInt()) {
                    throw new IllegalArgumentException("attn_layer_idx: " + i + " (expected a layer number)");
                }
                attentionLayers.add(i.intValue());
            }
        }
        boolean adaLnGroup = bool(n, "adaln_group", false);
        return new AimConfig(
                dModel,
                integer(n, "d_intermediate", 0),
                integer(n, "n_layer", 48),
                integer(n, "vocab_size", 16384),
                integer(n, "num_classes", 1000),
                integer(n, "num_tokens", 256),
                ssm(n, dModel),
                attentionLayers.isEmpty() ? null : attention(object(n, "attn_cfg"), dModel),
                attentionLayers,
                bool(n, "rms_norm", true),
                bool(n, "tie_embeddings", true),
                adaLnGroup,
                integer(n, "num_groups", 1),
                (float) number(n, "token_drop", 0),
                (float) number(n, "mixer_drop", 0),
                (float) number(n, "mlp_drop", 0));
    }

    private SsmConfig ssm(JsonNode n, int dModel) {
        if (!has(n, "ssm_cfg")) {
            return Mamba2Config.of(dModel);
        }
        JsonNode s = object(n, "ssm_cfg");
        String layer = has(s, "layer") ? s.get("layer").asString() : "Mamba1";
        return switch (layer) {
            case "Mamba2" -> mamba2(s, dModel);
            case "Mamba1" -> mamba1(s, dModel);
            default -> throw new IllegalArgumentException("ssm_cfg.layer: " + layer + " (expected Mamba1 or Mamba2)");
        };
    }

    private Mamba2Config mamba2(JsonNode s, int dModel) {
        onlyKnown("ssm_cfg", s, MAMBA2_KEYS);
        double[] aRange = pair(s, "A_init_range", 1, 16);
        double[] limit = pair(s, "dt_limit", 0, Double.POSITIVE_INFINITY);
        return new Mamba2Config(
                dModel,
                integer(s, "d_state", 128),
                integer(s, "d_conv", 4),
                integer(s, "expand", 2),
                integer(s, "headdim", 64),
                integer(s, "ngroups", 1),
                integer(s, "d_ssm", 0),
                bool(s, "D_has_hdim", false),
                bool(s, "rmsnorm", true),
                bool(s, "norm_before_gate", false),
                aRange[0],
                aRange[1],
                number(s, "dt_min", 0.001),
                number(s, "dt_max", 0.1),
                number(s, "dt_init_floor", 1e-4),
                (float) limit[0],
                (float) limit[1],
                bool(s, "bias", false),
                bool(s, "conv_bias", true),
                number(s, "conv_init", Double.NaN));
    }

    private Mamba1Config mamba1(JsonNode s, int dModel) {
        onlyKnown("ssm_cfg", s, MAMBA1_KEYS);
        boolean automaticRank = !has(s, "dt_rank") || s.get("dt_rank").isString();
        String init = has(s, "dt_init") ? s.get("dt_init").asString() : "random";
        if (!init.equals("random") && !init.equals("constant")) {
            throw new IllegalArgumentException("ssm_cfg.dt_init: " + init + " (expected random or constant)");
        }
        return new Mamba1Config(
                dModel,
                integer(s, "d_state", 16),
                integer(s, "d_conv", 4),
                integer(s, "expand", 2),
                automaticRank ? Mamba1Config.defaultDtRank(dModel) : integer(s, "dt_rank", 0),
                number(s, "dt_min", 0.001),
                number(s, "dt_max", 0.1),
                number(s, "dt_init_floor", 1e-4),
                number(s, "dt_scale", 1),
                init.equals("constant"),
                bool(s, "bias", false),
                bool(s, "conv_bias", true));
    }

    private AttentionConfig attention(JsonNode a, int dModel) {
        onlyKnown("attn_cfg", a, ATTENTION_KEYS);
        for (String unsupported : List.of("rotary_emb_dim", "d_conv", "mlp_dim")) {
            if (integer(a, unsupported, 0) != 0) {
                throw new IllegalArgumentException("attn_cfg." + unsupported + ": " + a.get(unsupported)
                        + " (expected 0: the published models use none)");
            }
        }
        if (!bool(a, "causal", true)) {
            throw new IllegalArgumentException(
                    "attn_cfg.causal: false (expected true: the model predicts in raster order)");
        }
        if (has(a, "softmax_scale")) {
            throw new IllegalArgumentException(
                    "attn_cfg.softmax_scale: " + a.get("softmax_scale") + " (expected none: 1/sqrt(head_dim) is used)");
        }
        int heads = integer(a, "num_heads", 0);
        AttentionConfig defaults = has(a, "head_dim") ? null : AttentionConfig.of(dModel, heads);
        return new AttentionConfig(
                dModel,
                heads,
                integer(a, "num_heads_kv", heads),
                defaults == null ? integer(a, "head_dim", 0) : defaults.headDim(),
                bool(a, "qkv_proj_bias", true),
                bool(a, "out_proj_bias", true));
    }

    /** A mixer argument that is not understood changes the mathematics: refuse, unlike an unknown key outside. */
    private static void onlyKnown(String object, JsonNode n, Set<String> known) {
        for (String key : n.propertyNames()) {
            if (!known.contains(key)) {
                throw new IllegalArgumentException(
                        object + "." + key + ": unknown argument (expected one of " + known + ")");
            }
        }
    }

    private static boolean has(JsonNode n, String key) {
        return n.get(key) != null && !n.get(key).isNull();
    }

    private static JsonNode object(JsonNode n, String key) {
        JsonNode v = n.get(key);
        if (v == null || !v.isObject()) {
            throw new IllegalArgumentException(key + ": " + v + " (expected an object)");
        }
        return v;
    }

    private static int integer(JsonNode n, String key, int missing) {
        if (!has(n, key)) {
            return missing;
        }
        if (!n.get(key).isInt()) {
            throw new IllegalArgumentException(key + ": " + n.get(key) + " (expected a whole number)");
        }
        return n.get(key).intValue();
    }

    private static double number(JsonNode n, String key, double missing) {
        if (!has(n, key)) {
            return missing;
        }
        if (!n.get(key).isNumber()) {
            throw new IllegalArgumentException(key + ": " + n.get(key) + " (expected a number)");
        }
        return n.get(key).doubleValue();
    }

    private static boolean bool(JsonNode n, String key, boolean missing) {
        if (!has(n, key)) {
            return missing;
        }
        if (!n.get(key).isBoolean()) {
            throw new IllegalArgumentException(key + ": " + n.get(key) + " (expected true or false)");
        }
        return n.get(key).booleanValue();
    }

    /** Two numbers; the string "inf" or a missing upper end of JSON-less infinity stands for no limit. */
    private static double[] pair(JsonNode n, String key, double low, double high) {
        if (!has(n, key)) {
            return new double[] {low, high};
        }
        JsonNode v = n.get(key);
        if (!v.isArray() || v.size() != 2 || !v.get(0).isNumber() || !(v.get(1).isNumber() || v.get(1).isString())) {
            throw new IllegalArgumentException(key + ": " + v + " (expected [low, high])");
        }
        if (v.get(1).isString() && !v.get(1).asString().equalsIgnoreCase("inf")) {
            throw new IllegalArgumentException(key + ": " + v + " (expected [low, high], high a number or \"inf\")");
        }
        return new double[] {
            v.get(0).doubleValue(), v.get(1).isString() ? Double.POSITIVE_INFINITY : v.get(1).doubleValue()
        };
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
        Mamba2Config defaults = Mamba2Config.of(m.dModel());
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
            if (Float.isInfinite(m.dtLimitMax())) {
                limit.add("inf");
            } else {
                limit.add(m.dtLimitMax());
            }
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
