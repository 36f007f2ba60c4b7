package org.aimjvm.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.aimjvm.backend.Shape;
import org.aimjvm.nn.Params;
import org.aimjvm.ssm.Mamba1Config;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The published architectures have the published sizes, names and shapes. */
class PresetsTest {
    private static Params list(AimConfig config) {
        Params params = Params.shapesOnly();
        new AimModel(params.sub(AimModel.NAME), config, PositionRule.SEQUENCE_INDEX);
        return params;
    }

    private static Params list(VqConfig config) {
        Params params = Params.shapesOnly();
        new VqModel(params.sub(VqModel.NAME), config);
        return params;
    }

    @ParameterizedTest
    @CsvSource({"aim-b, 147622080", "aim-l, 349760000", "aim-xl, 763291392", "aim-1b, 1335944192"})
    void parametersOfSequenceModels(String name, long count) {
        assertThat(list(AimPresets.get(name)).count()).isEqualTo(count);
        assertThat(AimPresets.names()).contains(name);
    }

    @Test
    void parametersOfTheTokenizer() {
        Params f16 = list(VqConfig.preset("vq-f16"));
        assertThat(f16.count()).isEqualTo(71_883_403);
        assertThat(f16.trainable()).hasSize(343);
        assertThat(f16.all()).hasSize(344);
        assertThat(f16.all().get("vqvae.quantize.codebook_used").size()).isEqualTo(65536);
        assertThat(f16.trainable()).doesNotContainKey("vqvae.quantize.codebook_used");
    }

    @Test
    void unknownPresetsAreNamed() {
        assertThatThrownBy(() -> AimPresets.get("aim-xs")).hasMessageContaining("aim-xs")
                .hasMessageContaining("aim-xl");
        assertThatThrownBy(() -> VqConfig.preset("vq-f4")).hasMessageContaining("vq-f4").hasMessageContaining("vq-f16");
    }

    @ParameterizedTest
    @CsvSource({
        "aim-b, mamba.backbone.embeddings.word_embeddings.weight, 16384, 768",
        "aim-b, mamba.backbone.embeddings.position_embeddings.weight, 257, 768",
        "aim-b, mamba.backbone.cls_embed.embedding_table.weight, 1001, 768",
        "aim-b, mamba.backbone.layers.23.adaLN_modulation.1.weight, 2304, 768",
        "aim-b, mamba.backbone.layers.0.mixer.in_proj.weight, 3352, 768",
        "aim-b, mamba.backbone.final_layer.adaLN_modulation.1.weight, 1536, 768",
        "aim-xl, mamba.backbone.adaln_group.1.weight, 18432, 1536",
        "aim-xl, mamba.backbone.layers.0.mixer.in_proj.weight, 6448, 1536",
        "aim-xl, mamba.backbone.layers.47.mixer.out_proj.weight, 1536, 3072"
    })
    void shapesUnderThePublishedNames(String preset, String name, int rows, int cols) {
        Tensor t = list(AimPresets.get(preset)).all().get(name);
        assertThat(t).as(name).isNotNull();
        assertThat(t.shape()).isEqualTo(Shape.of(rows, cols));
    }

    @Test
    void namesThatDependOnTheConfiguration() {
        Params b = list(AimPresets.get("aim-b"));
        assertThat(b.all()).doesNotContainKeys(
                "mamba.lm_head.weight", "mamba.backbone.layers.0.scale_shift_table",
                "mamba.backbone.adaln_group.1.weight");
        Params xl = list(AimPresets.get("aim-xl"));
        assertThat(xl.all().get("mamba.backbone.layers.3.scale_shift_table").shape()).isEqualTo(Shape.of(1, 3, 1536));
        assertThat(xl.all()).doesNotContainKey("mamba.backbone.layers.0.adaLN_modulation.1.weight");
        Params mamba1 = list(AimPresets.get("aim-b").toBuilder().ssm(Mamba1Config.of(768)).build());
        assertThat(mamba1.all().get("mamba.backbone.layers.0.mixer.x_proj.weight").shape())
                .isEqualTo(Shape.of(48 + 32, 1536));
        assertThat(mamba1.all().get("mamba.backbone.layers.0.mixer.A_log").shape()).isEqualTo(Shape.of(1536, 16));
    }
}
