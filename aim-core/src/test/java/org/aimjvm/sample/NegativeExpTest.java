package org.aimjvm.sample;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class NegativeExpTest {
    @Test
    void isTheExponential() {
        assertThat(NegativeExp.of(0)).isEqualTo(1);
        assertThat(NegativeExp.of(-0.0)).isEqualTo(1);
        assertThat((float) NegativeExp.of(Double.NEGATIVE_INFINITY)).isZero();
        assertThat((float) NegativeExp.of(-1e300)).isZero();
        SplittableRandom random = new SplittableRandom(1);
        int different = 0;
        for (int i = 0; i < 2_000_000; i++) {
            double x = -random.nextDouble() * (i % 3 == 0 ? 1 : i % 3 == 1 ? 20 : 149);
            double expected = Math.exp(x);
            assertThat(Math.abs(NegativeExp.of(x) - expected)).as("e^%s", x).isLessThanOrEqualTo(4e-16 * expected);
            different += (float) NegativeExp.of(x) == (float) expected ? 0 : 1;
        }
        assertThat(different).isLessThanOrEqualTo(1);
    }

    /** The filters compare probabilities: a greater logit must not get a smaller one. */
    @Test
    void neverFallsFromOneFloatToTheNext() {
        for (float x : new float[] {-100, -50.3f, -7, -0.6931472f, -0.35f, -0.0108f, -0.0054f, -1e-3f}) {
            float at = x;
            float before = 0;
            for (int i = 0; i < 100_000; i++) {
                float e = (float) NegativeExp.of(at);
                assertThat(e).as("e^%s", at).isGreaterThanOrEqualTo(before);
                before = e;
                at = Math.nextUp(at);
            }
        }
    }
}
