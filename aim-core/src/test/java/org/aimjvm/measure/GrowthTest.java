package org.aimjvm.measure;

import static org.assertj.core.api.Assertions.assertThat;

import org.aimjvm.model.AimConfig;
import org.junit.jupiter.api.Test;

/** What the two compared models are, and what they remember. */
class GrowthTest {

    @Test
    void oneStateIsConstantAndTheOtherGrows() {
        LmCost aim = LmCost.of(Growth.Model.AIM_B.config(4096));
        assertThat(aim.cacheBytesPerPosition()).isZero();
        assertThat(aim.stateBytes()).isEqualTo(LmCost.of(Growth.Model.AIM_B.config(256)).stateBytes()).isPositive();
        LmCost transformer = LmCost.of(Growth.Model.LLAMAGEN_B.config(4096));
        assertThat(transformer.stateBytes()).isZero();
        assertThat(transformer.cacheBytesPerPosition()).isEqualTo(12L * 2 * 768 * 4);
    }

    @Test
    void theTransformerHasLlamaGenBsShape() {
        AimConfig c = Growth.Model.LLAMAGEN_B.config(256);
        double block = 4.0 * 768 * 768 + 3.0 * 768 * 2048;
        long weights = LmCost.of(c).weightBytes() / 4;
        assertThat(weights / (12 * block + 16384.0 * 768)).isBetween(1.0, 1.005);
    }
}
