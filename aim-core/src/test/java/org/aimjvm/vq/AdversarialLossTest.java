package org.aimjvm.vq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.Shape;
import org.aimjvm.tensor.Gradients;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Losses of a few logits by hand, and what their gradients ask for. */
class AdversarialLossTest {
    private static final Backend BACKEND = Backends.best();
    private static final float[] REAL = {2, 0.5f, -1, 0};
    private static final float[] FAKE = {-3, -0.5f, 1, 0};

    private static Tensor logits(float... values) {
        return Tensor.parameter(BACKEND, Shape.of(1, 1, 1, values.length), values);
    }

    private static double softplus(double x) {
        return Math.log1p(Math.exp(x));
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    @Test
    void hingeByHand() {
        try (Scope _ = Scope.training()) {
            Tensor real = logits(REAL);
            Tensor fake = logits(FAKE);
            Tensor loss = AdversarialLoss.HINGE.ofDiscriminator(real, fake);
            // real: 0, 0.5, 2, 1; fake: 0, 0.5, 2, 1
            assertThat(loss.item()).isCloseTo((3.5f / 4 + 3.5f / 4) / 2, offset(1e-6f));
            Gradients g = loss.backward();
            assertThat(g.of(real).toFloats()).containsExactly(0, -0.125f, -0.125f, -0.125f);
            assertThat(g.of(fake).toFloats()).containsExactly(0, 0.125f, 0.125f, 0.125f);
            Tensor ofGenerator = AdversarialLoss.HINGE.ofGenerator(fake);
            assertThat(ofGenerator.item()).isCloseTo(2.5f / 4, offset(1e-6f));
            assertThat(ofGenerator.backward().of(fake).toFloats()).containsOnly(-0.25f);
        }
    }

    @ParameterizedTest
    @EnumSource(value = AdversarialLoss.class, names = {"VANILLA", "NON_SATURATING"})
    void crossEntropyByHand(AdversarialLoss kind) {
        try (Scope _ = Scope.training()) {
            Tensor real = logits(REAL);
            Tensor fake = logits(FAKE);
            Tensor loss = kind.ofDiscriminator(real, fake);
            Gradients g = loss.backward();
            double expected = 0;
            for (int i = 0; i < 4; i++) {
                expected += (softplus(-REAL[i]) + softplus(FAKE[i])) / 8;
                assertThat(g.of(real).toFloats()[i]).isCloseTo((float) (-sigmoid(-REAL[i]) / 8), offset(1e-6f));
                assertThat(g.of(fake).toFloats()[i]).isCloseTo((float) (sigmoid(FAKE[i]) / 8), offset(1e-6f));
            }
            assertThat(loss.item()).isCloseTo((float) expected, offset(1e-6f));
        }
    }

    @Test
    void nonSaturatingGeneratorIsPushedMostWhereItIsFoundOut() {
        try (Scope _ = Scope.training()) {
            Tensor fake = logits(FAKE);
            Tensor loss = AdversarialLoss.NON_SATURATING.ofGenerator(fake);
            float[] g = loss.backward().of(fake).toFloats();
            double expected = 0;
            for (int i = 0; i < 4; i++) {
                expected += softplus(-FAKE[i]) / 4;
                assertThat(g[i]).isCloseTo((float) (-sigmoid(-FAKE[i]) / 4), offset(1e-6f));
            }
            assertThat(loss.item()).isCloseTo((float) expected, offset(1e-6f));
            assertThat(g[0]).isLessThan(g[1]).isLessThan(g[2]); // -3 is found out, 1 is not
        }
    }

    @Test
    void vanillaGeneratorIsThatOfTheHinge() {
        Tensor fake = logits(FAKE);
        assertThat(AdversarialLoss.VANILLA.ofGenerator(fake).item())
                .isEqualTo(AdversarialLoss.HINGE.ofGenerator(fake).item());
    }

    /** Real logits are pulled up and those of generated pictures down by one side, up by the other. */
    @ParameterizedTest
    @EnumSource(AdversarialLoss.class)
    void sidesPullTheRightWays(AdversarialLoss kind) {
        try (Scope _ = Scope.training()) {
            Tensor real = logits(-0.5f, 0, 0.5f);
            Tensor fake = logits(-0.5f, 0, 0.5f);
            Gradients ofDiscriminator = kind.ofDiscriminator(real, fake).backward();
            Gradients ofGenerator = kind.ofGenerator(fake).backward();
            for (int i = 0; i < 3; i++) {
                assertThat(ofDiscriminator.of(real).toFloats()[i]).isNegative();
                assertThat(ofDiscriminator.of(fake).toFloats()[i]).isPositive();
                assertThat(ofGenerator.of(fake).toFloats()[i]).isNegative();
            }
            assertThat(ofGenerator.contains(real)).isFalse();
        }
        assertThat(kind.ofDiscriminator(logits(9), logits(-9)).item()).isLessThan(1e-3f);
        assertThat(kind.ofDiscriminator(logits(-9), logits(9)).item()).isGreaterThan(8.9f);
        assertThat(kind.ofGenerator(logits(9)).item()).isLessThan(kind.ofGenerator(logits(-9)).item());
    }

    @ParameterizedTest
    @EnumSource(AdversarialLoss.class)
    void hugeLogitsStayFiniteAndNotANumberIsNotLost(AdversarialLoss kind) {
        try (Scope _ = Scope.training()) {
            Tensor real = logits(-1e30f, 1e30f);
            Tensor fake = logits(1e30f, -1e30f);
            Tensor loss = kind.ofDiscriminator(real, fake);
            assertThat(loss.item()).isFinite();
            for (float g : loss.backward().of(real).toFloats()) {
                assertThat(g).isFinite();
            }
            for (float g : kind.ofGenerator(fake).backward().of(fake).toFloats()) {
                assertThat(g).isFinite();
            }
        }
        assertThat(kind.ofDiscriminator(logits(Float.NaN, 1), logits(1, 1)).item()).isNaN();
        assertThat(kind.ofDiscriminator(logits(1, 1), logits(1, Float.NaN)).item()).isNaN();
        assertThat(kind.ofGenerator(logits(1, Float.NaN)).item()).isNaN();
    }

    @Test
    void adaptiveWeightIsTheRatioOfNormsAndAtMostTenThousand() {
        assertThat(AdversarialLoss.adaptiveWeight(logits(3, -4), logits(0.5f))).isCloseTo(
                5 / 0.5001f, offset(1e-5f));
        assertThat(AdversarialLoss.adaptiveWeight(logits(1), logits(0))).isEqualTo(1e4f); // 1 / 1e-4
        assertThat(AdversarialLoss.adaptiveWeight(logits(2), logits(0))).isEqualTo(1e4f);
        assertThat(AdversarialLoss.adaptiveWeight(logits(Float.MAX_VALUE, Float.MAX_VALUE), logits(1)))
                .isEqualTo(1e4f);
        assertThat(AdversarialLoss.adaptiveWeight(logits(0, 0), logits(0, 0))).isZero();
        assertThat(AdversarialLoss.adaptiveWeight(logits(0), logits(7))).isZero();
        assertThat(AdversarialLoss.adaptiveWeight(logits(Float.NaN), logits(1))).isNaN();
        assertThat(AdversarialLoss.adaptiveWeight(logits(1), logits(Float.NaN))).isNaN();
    }
}
