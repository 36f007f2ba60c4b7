package org.aimjvm.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.Shape;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.PositionRule;
import org.aimjvm.tensor.Tensor;
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

    @Test
    void constantsAreTheTensorsOfAnotherModelWithoutTheirGradients() {
        Params all = Params.random(Backends.best(), 1);
        Params model = all.sub("model");
        model.get("w", Shape.of(2), Init.ones());
        model.buffer("seen", Shape.of(1), Init.zeros());
        all.get("other", Shape.of(3), Init.ones());

        Params constants = Params.constants(model);
        Tensor w = constants.get("w", Shape.of(2), Init.zeros());
        Tensor seen = constants.buffer("seen", Shape.of(1), Init.ones());
        assertThat(w.isParameter()).isFalse();
        assertThat(constants.trainable()).isEmpty();
        assertThat(constants.frozen().keySet()).containsExactly("w"); // below its prefix, which is not repeated
        assertThat(constants.all().keySet()).containsExactly("w", "seen");
        assertThat(constants.backend()).isSameAs(all.backend());
        assertThat(w.toFloats()).containsExactly(1, 1); // not what it would start with
        model.all().get("model.w").write(new float[] {5, 6});
        model.all().get("model.seen").write(new float[] {7});
        assertThat(w.toFloats()).containsExactly(5, 6);
        assertThat(seen.toFloats()).containsExactly(7);
        assertThat(model.all().get("model.w").isParameter()).isTrue(); // the model itself is trained as before
        assertThat(all.trainable().keySet()).containsExactly("model.w", "other");
    }

    @Test
    void constantsOfAModelOfAnotherConfigurationAreRefused() {
        Params model = Params.random(Backends.best(), 1);
        model.get("w", Shape.of(2), Init.ones());
        Params constants = Params.constants(model);
        assertThatThrownBy(() -> constants.get("v", Shape.of(2), Init.ones()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("v: missing (expected (2), as of a model of the same configuration)");
        assertThatThrownBy(() -> constants.get("w", Shape.of(3), Init.ones()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("w: (2) (expected (3), as of a model of the same configuration)");
        constants.get("w", Shape.of(2), Init.ones());
        assertThatThrownBy(() -> constants.get("w", Shape.of(2), Init.ones()))
                .isInstanceOf(IllegalStateException.class).hasMessageContaining("asked for twice");
    }
}
