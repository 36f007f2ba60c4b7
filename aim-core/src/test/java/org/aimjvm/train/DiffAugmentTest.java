package org.aimjvm.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.TestBackends;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.train.DiffAugment.Kind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What each change does to pictures, and that it depends on seed, step and row alone. */
@EverySimdWidth
class DiffAugmentTest {
    private static final Backend BACKEND = Backends.best();
    private static final int SIDE = 16;
    private static final int PLANE = SIDE * SIDE;

    static Stream<Backend> backends() {
        return TestBackends.available().stream();
    }

    private static MicroBatch rows(int step, int firstRow, int count) {
        return new MicroBatch(step, 0, firstRow, new int[count]);
    }

    private static Tensor pictures(Backend b, int count, int channels, float[] values) {
        return Tensor.of(b, Shape.of(count, channels, SIDE, SIDE), values);
    }

    private static float[] random(int n, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextDouble(-1, 1);
        }
        return values;
    }

    private static float[] apply(Kind kind, Tensor x, MicroBatch rows) {
        return new DiffAugment(EnumSet.of(kind), 3).apply(x, rows).toFloats();
    }

    @Test
    void noneLeavesThePicturesAlone() {
        Tensor x = pictures(BACKEND, 2, 3, random(6 * PLANE, 1));
        assertThat(new DiffAugment(Set.of(), 3).apply(x, rows(0, 0, 2))).isSameAs(x);
    }

    @Test
    void translationMovesAPictureByAnEighthAtMost() {
        Set<Integer> places = new HashSet<>();
        float[] x = new float[2 * PLANE];
        int centre = 8 * SIDE + 8;
        x[centre] = 1;
        x[PLANE + centre] = 2;
        for (int row = 0; row < 200; row++) {
            float[] y = apply(Kind.TRANSLATION, pictures(BACKEND, 1, 2, x), rows(0, row, 1));
            int at = 0;
            while (y[at] == 0) {
                at++;
            }
            assertThat(at / SIDE - 8).isBetween(-2, 2);
            assertThat(at % SIDE - 8).isBetween(-2, 2);
            float[] expected = new float[2 * PLANE];
            expected[at] = 1;
            expected[PLANE + at] = 2; // all channels together
            assertThat(y).isEqualTo(expected);
            places.add(at);
        }
        assertThat(places).hasSize(25); // every offset comes
    }

    @Test
    void cutoutTakesASquareOfHalfTheSide() {
        float[] x = new float[3 * PLANE];
        Arrays.fill(x, 1);
        Set<Integer> counts = new HashSet<>();
        for (int row = 0; row < 100; row++) {
            float[] y = apply(Kind.CUTOUT, pictures(BACKEND, 1, 3, x), rows(0, row, 1));
            int top = SIDE;
            int left = SIDE;
            int bottom = -1;
            int right = -1;
            int zeros = 0;
            for (int i = 0; i < PLANE; i++) {
                assertThat(y[i]).isIn(0f, 1f).isEqualTo(y[PLANE + i]).isEqualTo(y[2 * PLANE + i]);
                if (y[i] == 0) {
                    zeros++;
                    top = Math.min(top, i / SIDE);
                    bottom = Math.max(bottom, i / SIDE);
                    left = Math.min(left, i % SIDE);
                    right = Math.max(right, i % SIDE);
                }
            }
            assertThat(zeros).isEqualTo((bottom - top + 1) * (right - left + 1)).isBetween(4 * 4, 8 * 8);
            counts.add(zeros);
        }
        assertThat(counts).contains(8 * 8).hasSizeGreaterThan(3); // whole, and over an edge
    }

    @ParameterizedTest
    @MethodSource("backends")
    void colorIsBrightnessThenSaturationThenContrast(Backend b) {
        float[] x = random(3 * PLANE, 1);
        for (int row = 0; row < 20; row++) {
            float[] y = apply(Kind.COLOR, pictures(b, 1, 3, x), rows(0, row, 1));
            double meanX = mean(x, 0, 1);
            double brightness = mean(y, 0, 1) - meanX; // saturation and contrast keep the mean
            assertThat(brightness).isBetween(-0.501, 0.501);
            // differences of grey values are scaled by the contrast, those to the grey value by saturation too
            double contrast = (grey(y, 7) - grey(y, 90)) / (grey(x, 7) - grey(x, 90));
            assertThat(contrast).isBetween(0.499, 1.501);
            double saturation = (y[7] - grey(y, 7)) / (x[7] - grey(x, 7)) / contrast;
            assertThat(saturation).isBetween(-0.001, 2.001);
            for (int i = 0; i < x.length; i++) {
                double g = grey(x, i % PLANE);
                double expected = ((x[i] - g) * saturation + g - meanX) * contrast + meanX + brightness;
                assertThat((double) y[i]).as("element %d", i).isCloseTo(expected, offset(1e-4));
            }
        }
    }

    private static double mean(float[] x, int from, int stride) {
        double sum = 0;
        int count = 0;
        for (int i = from; i < x.length; i += stride) {
            sum += x[i];
            count++;
        }
        return sum / count;
    }

    /** The mean over the channels of pixel {@code i}. */
    private static double grey(float[] x, int i) {
        return mean(x, i, PLANE);
    }

    /** So that the same run comes of any number of passes and workers, and of real and generated pictures alike. */
    @ParameterizedTest
    @MethodSource("backends")
    void changesDependOnSeedStepAndRowOfTheWholeBatch(Backend b) {
        int count = 6;
        float[] x = random(count * 3 * PLANE, 2);
        for (Kind kind : Kind.values()) {
            float[] whole = apply(kind, pictures(b, count, 3, x), rows(5, 0, count));
            for (int from = 0; from < count; from += 2) {
                float[] part = Arrays.copyOfRange(x, from * 3 * PLANE, (from + 2) * 3 * PLANE);
                assertThat(apply(kind, pictures(b, 2, 3, part), rows(5, from, 2))).as("%s from row %d", kind, from)
                        .isEqualTo(Arrays.copyOfRange(whole, from * 3 * PLANE, (from + 2) * 3 * PLANE));
            }
            assertThat(apply(kind, pictures(b, count, 3, x), rows(6, 0, count))).as("%s, next step", kind)
                    .isNotEqualTo(whole);
            assertThat(new DiffAugment(EnumSet.of(kind), 4).apply(pictures(b, count, 3, x), rows(5, 0, count))
                    .toFloats()).as("%s, other seed", kind).isNotEqualTo(whole);
        }
    }

    /** All are linear but for an offset: {@code A(x + d) - A(x) = A(d) - A(0)}, whose adjoint is the gradient. */
    @ParameterizedTest
    @MethodSource("backends")
    void gradientIsTheAdjoint(Backend b) {
        float[] d = random(3 * PLANE, 4);
        float[] w = random(3 * PLANE, 5);
        for (Kind kind : Kind.values()) {
            float[] ofD = apply(kind, pictures(b, 1, 3, d), rows(1, 2, 1));
            float[] ofZero = apply(kind, pictures(b, 1, 3, new float[d.length]), rows(1, 2, 1));
            double expected = 0;
            for (int i = 0; i < d.length; i++) {
                expected += (double) w[i] * (ofD[i] - ofZero[i]);
            }
            double got = 0;
            try (Scope _ = Scope.training()) {
                Tensor p = Tensor.parameter(b, Shape.of(1, 3, SIDE, SIDE), new float[d.length]);
                Tensor y = new DiffAugment(EnumSet.of(kind), 3).apply(p, rows(1, 2, 1));
                float[] gradient = ReduceOp.sum(ArithmeticOp.mul(y, pictures(b, 1, 3, w))).backward().of(p).toFloats();
                for (int i = 0; i < d.length; i++) {
                    got += (double) d[i] * gradient[i];
                }
            }
            assertThat(got).as(kind.toString()).isCloseTo(expected, offset(1e-3));
        }
    }
}
