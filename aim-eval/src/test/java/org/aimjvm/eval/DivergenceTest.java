package org.aimjvm.eval;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.junit.jupiter.api.Test;

/** The distance of distributions: none from itself, more with fewer bits. */
class DivergenceTest {
    private static final AimConfig CONFIG = AimConfig.builder(64)
            .nLayer(2)
            .vocabSize(40)
            .numClasses(5)
            .numTokens(16)
            .build();
    private static final int[] LABELS = {0, 3};
    private static final int[][] CODES = {{1, 5, 9, 39, 0, 7}, {3, 3, 3}};

    @Test
    void fewerBitsMoveTheDistributionFurther() {
        Backend backend = Backends.best();
        AimModel exact = Divergence.random(backend, CONFIG, 1, WeightFormat.F32);
        Divergence none = Divergence.of(exact, exact, LABELS, CODES);
        assertThat(none.positions()).isEqualTo(9);
        assertThat(none.max()).isZero();
        assertThat(none.sameBest()).isEqualTo(1);
        assertThat(none.logits()).isZero();
        Divergence states = Divergence.of(exact, exact.withStates(StateFormat.BF16), LABELS, CODES);
        assertThat(states.max()).isPositive().isLessThan(1e-2);
        assertThat(states.logits()).isBetween(1e-7, 1e-2);
        double before = 0;
        for (WeightFormat format : List.of(WeightFormat.BF16, WeightFormat.INT8, WeightFormat.INT4)) {
            Divergence d = Divergence.of(exact, Divergence.random(backend, CONFIG, 1, format), LABELS, CODES);
            assertThat(d.mean()).as(format.name()).isGreaterThan(before).isLessThan(0.1);
            assertThat(d.max()).isGreaterThanOrEqualTo(d.mean());
            assertThat(d.logits()).isBetween(1e-7, 1.0);
            before = d.mean();
        }
    }
}
