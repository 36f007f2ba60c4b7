package org.aimjvm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.aimjvm.backend.Backends;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.PositionRule;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;
import org.junit.jupiter.api.Test;

/** The ways to build a model give the same names, shapes and starting values. */
class ParamsTest {
    private static Params build(Params params) {
        new AimModel(
                params.sub(AimModel.NAME), AimConfig.mamba2(64, 2, 1).withData(7, 4, 3), PositionRule.SEQUENCE_INDEX);
        new VqModel(
                params.sub(VqModel.NAME), VqConfig.builder()
                        .ch(8)
                        .chMult(List.of(1, 2))
                        .numResBlocks(1)
                        .zChannels(8)
                        .nEmbed(16)
                        .embedDim(4)
                        .channels(1, 1)
                        .normGroups(4)
                        .build());
        return params;
    }

    @Test
    void listingGivesTheStartingValuesOfRandom() {
        Params random = build(Params.random(Backends.best(), 5));
        Params listing = build(Params.listing(5));
        assertThat(listing.all().keySet()).containsExactlyElementsOf(random.all().keySet());
        assertThat(listing.count()).isEqualTo(random.count());
        random.all().forEach((name, t) -> assertThat(listing.initialValues(name)).as(name).isEqualTo(t.toFloats()));
    }

    @Test
    void onlyAListingKnowsStartingValues() {
        for (Params p : List.of(build(Params.random(Backends.best(), 5)), build(Params.shapesOnly()))) {
            assertThatThrownBy(() -> p.initialValues("mamba.backbone.norm_f.weight"))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("Params.listing");
        }
        assertThatThrownBy(() -> build(Params.listing(5)).initialValues("x")).isInstanceOf(IllegalStateException.class);
    }
}
