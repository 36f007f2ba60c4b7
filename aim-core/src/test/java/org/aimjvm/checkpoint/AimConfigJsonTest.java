package org.aimjvm.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimPresets;
import org.aimjvm.model.TinyModels;
import org.aimjvm.nn.AttentionConfig;
import org.aimjvm.ssm.Mamba1Config;
import org.aimjvm.ssm.Mamba2Config;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The published {@code config.json}. */
class AimConfigJsonTest {
    private static final Path WHERE = Path.of("config.json");

    private static AimConfig parse(String json) {
        return AimConfigJson.parse(json, WHERE);
    }

    static Stream<AimConfig> configs() {
        return Stream.concat(
                Stream.concat(TinyModels.configs().values().stream(), AimPresets.names().stream().map(AimPresets::get)),
                Stream.of(
                        TinyModels.wide(),
                        AimPresets.get("aim-b").toBuilder().dropout(0.125f, 0.25f, 0.5f).build(),
                        AimPresets.get("aim-b").toBuilder()
                                .ssm(Mamba1Config.builder(768)
                                        .dState(8)
                                        .dConv(3)
                                        .expand(1)
                                        .dtRank(5)
                                        .dtMin(0.01)
                                        .dtMax(0.2)
                                        .dtInitFloor(1e-3)
                                        .dtScale(2)
                                        .dtConstant(true)
                                        .bias(true)
                                        .convBias(false)
                                        .build())
                                .build(),
                        AimPresets.get("aim-b").toBuilder()
                                .ssm(Mamba2Config.builder(768)
                                        .dState(64)
                                        .dConv(3)
                                        .expand(1)
                                        .headDim(32)
                                        .nGroups(3)
                                        .dSsm(384)
                                        .perChannelD(true)
                                        .rmsNorm(false)
                                        .normBeforeGate(true)
                                        .aInit(2, 8)
                                        .dtMin(0.01)
                                        .dtMax(0.2)
                                        .dtInitFloor(1e-3)
                                        .dtLimit(0.5f, 2f)
                                        .bias(true)
                                        .convBias(false)
                                        .convInit(0.25)
                                        .build())
                                .build()));
    }

    @ParameterizedTest
    @MethodSource("configs")
    void whatIsWrittenIsReadBack(AimConfig config) {
        String json = AimConfigJson.toJson(config);
        assertThat(parse(json)).isEqualTo(config);
        assertThat(parse("{\"format\": 3, \"config\": " + json + "}")).isEqualTo(config);
        assertThat(AimConfigJson.toJson(parse(json))).isEqualTo(json);
    }

    @Test
    void missingKeysTakeTheDefaultsOfTheOriginal() {
        AimConfig c = parse("{}");
        assertThat(c).isEqualTo(AimConfig.mamba2(1024, 48, 0));
        assertThat(c.vocabSize()).isEqualTo(16384);
        assertThat(c.numClasses()).isEqualTo(1000);
        assertThat(c.numTokens()).isEqualTo(256);
        assertThat(c.nullClass()).isEqualTo(1000);
        assertThat(c.rmsNorm()).isTrue();
        assertThat(c.tieEmbeddings()).isTrue();
        assertThat(parse("{\"d_model\": 64, \"ssm_cfg\": {}}").ssm()).isEqualTo(Mamba1Config.of(64));
        assertThat(parse("{\"d_model\": 64, \"ssm_cfg\": {\"layer\": \"Mamba2\"}}").ssm())
                .isEqualTo(Mamba2Config.of(64));
        assertThat(parse("{\"ssm_cfg\": {\"layer\": \"Mamba1\", \"dt_rank\": \"auto\"}}").ssm())
                .isEqualTo(Mamba1Config.of(1024));
        assertThat(parse("{\"d_model\": null}").dModel()).isEqualTo(1024);
    }

    @Test
    void publishedValuesAreUnderstood() {
        AimConfig c =
                parse("""
                        {"adaln_group": true, "attn_cfg": {"causal": true, "num_heads": 4, "num_heads_kv": 2}, "attn_layer_idx": [1],
                         "d_intermediate": 48, "d_model": 32, "fused_add_norm": true, "n_layer": 3, "num_groups": 2,
                         "pad_vocab_size_multiple": 8, "residual_in_fp32": true, "unknown": {"a": [1, 2]}, "token_drop": 0.1,
                         "ssm_cfg": {"layer": "Mamba2", "d_state": 16, "headdim": 16, "dt_limit": [0.5, "inf"], "A_init_range": [1, 2]}}
                        """);
        assertThat(c.attention()).isEqualTo(new AttentionConfig(32, 4, 2, 8, true, true));
        assertThat(c.attentionLayers()).isEqualTo(List.of(1));
        assertThat(c.modulations()).isEqualTo(6);
        assertThat(c.tokenDrop()).isEqualTo(0.1f);
        assertThat(c.ssm()).isInstanceOfSatisfying(Mamba2Config.class, m -> {
            assertThat(m.dtLimitMin()).isEqualTo(0.5f);
            assertThat(m.dtLimitMax()).isInfinite();
            assertThat(m.aInitMax()).isEqualTo(2);
            assertThat(m.nHeads()).isEqualTo(4);
        });
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"d_model\": \"many\"}|d_model: \"many\"|whole number",
                "{\"d_model\": 1.5}|d_model|whole number",
                "{\"d_model\": 0}|d_model: 0|positive number",
                "{\"d_model\": 4294967296}|d_model|whole number",
                "{\"n_layer\": -1}|n_layer: -1|1 to 4096",
                "{\"n_layer\": 99999}|n_layer: 99999|1 to 4096",
                "{\"vocab_size\": 0}|vocab_size|1 to",
                "{\"num_classes\": 0}|num_classes|1 to",
                "{\"num_tokens\": 0}|num_tokens|1 to",
                "{\"rms_norm\": 1}|rms_norm|true or false",
                "{\"token_drop\": 1.5}|token_drop: 1.5|0 <= p < 1",
                "{\"mlp_drop\": -0.5}|mlp_drop: -0.5|0 <= p < 1",
                "{\"attn_layer_idx\": [0]}|attn_cfg|an object",
                "{\"attn_layer_idx\": [0], \"attn_cfg\": {}}|num_heads: 0|",
                "{\"attn_layer_idx\": [48], \"attn_cfg\": {\"num_heads\": 4}}|attn_layer_idx: 48|0 to 47",
                "{\"attn_layer_idx\": 3}|attn_layer_idx: 3|list",
                "{\"attn_layer_idx\": [0], \"attn_cfg\": {\"num_heads\": 3}}|num_heads: 3|divisor of d_model 1024",
                "{\"attn_layer_idx\": [0], \"attn_cfg\": {\"num_heads\": 4, \"num_heads_kv\": 3}}|num_heads_kv: 3|divisor",
                "{\"attn_layer_idx\": [0], \"attn_cfg\": {\"num_heads\": 4, \"rotary_emb_dim\": 32}}|rotary_emb_dim: 32|0",
                "{\"attn_layer_idx\": [0], \"attn_cfg\": {\"num_heads\": 4, \"causal\": false}}|causal|true",
                "{\"ssm_cfg\": {\"layer\": \"Mamba3\"}}|ssm_cfg.layer: Mamba3|Mamba1 or Mamba2",
                "{\"ssm_cfg\": {\"layer\": \"Mamba2\", \"d_stat\": 3}}|ssm_cfg.d_stat|unknown argument",
                "{\"ssm_cfg\": {\"layer\": \"Mamba2\", \"headdim\": 60}}|headdim: 60|divisor of d_inner 2048",
                "{\"ssm_cfg\": {\"layer\": \"Mamba2\", \"ngroups\": 5}}|ngroups: 5|divisor of the 32 heads",
                "{\"ssm_cfg\": {\"layer\": \"Mamba2\", \"dt_limit\": [1]}}|dt_limit|low, high",
                "{\"ssm_cfg\": {\"layer\": \"Mamba2\", \"dt_limit\": [2, 1]}}|dt_limit|0 <= min <= max",
                "{\"ssm_cfg\": {\"layer\": \"Mamba2\", \"d_ssm\": 4096}}|d_ssm: 4096|d_inner 2048",
                "{\"ssm_cfg\": {\"layer\": \"Mamba1\", \"dt_init\": \"zero\"}}|dt_init: zero|random or constant",
                "{\"ssm_cfg\": {\"layer\": \"Mamba1\", \"dt_rank\": 0}}|dt_rank: 0|positive",
                "{\"ssm_cfg\": []}|ssm_cfg|an object",
                "[]|not a JSON object|",
                "{\"d_model\": NaN}|not JSON|",
                "{\"d_model\": 64|not JSON|",
                "{\"d_model\": 64, \"d_model\": 32}|not JSON|",
                "''|not|JSON"
            })
    void badValuesAreNamedWithWhatIsExpected(String json, String got, String expected) {
        assertThatThrownBy(() -> parse(json))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("config.json")
                .hasMessageContaining(got)
                .hasMessageContaining(expected == null ? "" : expected);
    }
}
