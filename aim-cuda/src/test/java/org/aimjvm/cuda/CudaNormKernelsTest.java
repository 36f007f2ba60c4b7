package org.aimjvm.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.aimjvm.backend.NormKernels.GatedGradients;
import org.aimjvm.backend.NormKernels.GatedShape;
import org.aimjvm.backend.NormKernels.Gradients;
import org.aimjvm.backend.NormKernels.GroupShape;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CudaNormKernelsTest {
    private static final double FORWARD = 1e-6;
    private static final double BACKWARD = 5e-6;

    @BeforeAll
    static void available() {
        CudaTests.backend();
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "3, 17", "2, 768", "1, 1536", "5, 33", "1, 257", "2, 4096", "2, 4099", "1030, 5", "0, 8"})
    void rmsNorm(int rows, int cols) {
        Twin x = Twin.random(1, -2, 3, rows * cols);
        Twin weight = Twin.random(2, -1, 1, cols);
        Twin y = Twin.output(rows * cols);
        Twin inv = Twin.output(rows);
        Twin.run(b -> b.norm().rmsNorm(y.on(b), inv.on(b), x.on(b), weight.on(b), rows, cols, 0.5f));
        y.assertClose("y", FORWARD);
        inv.assertClose("invRms", FORWARD);
        Twin dy = Twin.random(3, -1, 1, rows * cols);
        Twin dx = Twin.output(rows * cols);
        Twin dWeight = Twin.output(cols);
        Twin.run(b -> b.norm()
                .rmsNormBackward(dx.on(b), dWeight.on(b), dy.on(b), x.on(b), weight.on(b), inv.on(b), rows, cols));
        dx.assertClose("dx", BACKWARD);
        dWeight.assertClose("dWeight", BACKWARD);
        Twin dx2 = Twin.output(rows * cols);
        Twin dWeight2 = Twin.output(cols);
        Twin.run(b -> {
            b.norm().rmsNormBackward(dx2.on(b), null, dy.on(b), x.on(b), weight.on(b), inv.on(b), rows, cols);
            b.norm().rmsNormBackward(null, dWeight2.on(b), dy.on(b), x.on(b), weight.on(b), inv.on(b), rows, cols);
            b.norm().rmsNormBackward(null, null, dy.on(b), x.on(b), weight.on(b), inv.on(b), rows, cols);
        });
        assertThat(dx2.device()).as("dx alone").isEqualTo(dx.device());
        assertThat(dWeight2.device()).as("dWeight alone").isEqualTo(dWeight.device());
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, 1, false", "3, 17, 1, true", "5, 64, 4, false", "5, 63, 3, true", "2, 1536, 1, false",
        "2, 1536, 2, true",
        "1, 8200, 2, false", "2, 4100, 1, true", "2050, 6, 2, false"})
    void gatedRmsNorm(int rows, int cols, int groups, boolean normBeforeGate) {
        Twin x = Twin.random(1, -2, 3, rows * cols);
        Twin z = Twin.random(2, -4, 3, rows * cols);
        GatedShape s = new GatedShape(rows, cols, groups, normBeforeGate);
        Twin weight = Twin.random(3, -1, 1, cols);
        Twin y = Twin.output(rows * cols);
        Twin inv = Twin.output(rows * groups);
        Twin.run(b -> b.norm()
                .gatedRmsNorm(
                        y.on(b), inv.on(b), x.on(b), z.on(b), weight.on(b), s, 0.1f));
        y.assertClose("y", FORWARD);
        inv.assertClose("invRms", FORWARD);
        Twin dy = Twin.random(4, -1, 1, rows * cols);
        Twin dx = Twin.output(rows * cols);
        Twin dz = Twin.output(rows * cols);
        Twin dWeight = Twin.output(cols);
        Twin.run(b -> b.norm()
                .gatedRmsNormBackward(
                        new GatedGradients(dx.on(b), dz.on(b), dWeight.on(b)), dy.on(b), x.on(b), z.on(b), weight.on(b),
                        inv.on(b), s));
        dx.assertClose("dx", BACKWARD);
        dz.assertClose("dz", BACKWARD);
        dWeight.assertClose("dWeight", BACKWARD);
        Twin dz2 = Twin.output(rows * cols);
        Twin dWeight2 = Twin.output(cols);
        Twin.run(b -> {
            b.norm()
                    .gatedRmsNormBackward(
                            new GatedGradients(null, dz2.on(b), null), dy.on(b), x.on(b), z.on(b), weight.on(b),
                            inv.on(b), s);
            b.norm()
                    .gatedRmsNormBackward(
                            new GatedGradients(null, null, dWeight2.on(b)), dy.on(b), x.on(b), z.on(b), weight.on(b),
                            inv.on(b), s);
        });
        assertThat(dz2.device()).as("dz alone").isEqualTo(dz.device());
        assertThat(dWeight2.device()).as("dWeight alone").isEqualTo(dWeight.device());
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "3, 17", "2, 768", "1, 1536", "5, 33", "1, 257", "2, 4099", "1030, 5", "0, 8"})
    void layerNorm(int rows, int cols) {
        Twin x = Twin.random(1, -2, 3, rows * cols);
        Twin weight = Twin.random(2, -1, 1, cols);
        Twin bias = Twin.random(3, -1, 1, cols);
        Twin y = Twin.output(rows * cols);
        Twin stats = Twin.output(2 * rows);
        Twin.run(b -> b.norm()
                .layerNorm(y.on(b), stats.on(b), x.on(b), weight.on(b), bias.on(b), rows, cols, 1e-5f));
        y.assertClose("y", FORWARD);
        stats.assertClose("stats", FORWARD);
        Twin dy = Twin.random(4, -1, 1, rows * cols);
        Twin dx = Twin.output(rows * cols);
        Twin dWeight = Twin.output(cols);
        Twin dBias = Twin.output(cols);
        Twin.run(b -> b.norm()
                .layerNormBackward(
                        new Gradients(dx.on(b), dWeight.on(b), dBias.on(b)), dy.on(b), x.on(b), weight.on(b),
                        stats.on(b), rows,
                        cols));
        if (cols > 1) {
            dx.assertClose("dx", BACKWARD);
            dWeight.assertClose("dWeight", BACKWARD);
        }
        dBias.assertClose("dBias", BACKWARD);
        Twin dx2 = Twin.output(rows * cols);
        Twin dBias2 = Twin.output(cols);
        Twin.run(b -> {
            b.norm().layerNormBackward(new Gradients(dx2.on(b), null, null), dy.on(b), x.on(b), weight.on(b),
                    stats.on(b), rows, cols);
            b.norm().layerNormBackward(new Gradients(null, null, dBias2.on(b)), dy.on(b), x.on(b), weight.on(b),
                    stats.on(b), rows,
                    cols);
        });
        assertThat(dx2.device()).as("dx alone").isEqualTo(dx.device());
        assertThat(dBias2.device()).as("dBias alone").isEqualTo(dBias.device());
    }

    @ParameterizedTest
    @CsvSource({
        "1, 32, 9, 32, true", "2, 6, 5, 3, false", "1, 4, 1031, 2, true", "2, 6, 4099, 3, true", "1, 2, 9001, 1, false",
        "3, 1, 1, 1, false", "0, 4, 3, 2, true", "1, 64, 256, 2, true"})
    void groupNorm(int batch, int channels, int area, int groups, boolean silu) {
        int n = batch * channels * area;
        GroupShape s = new GroupShape(batch, channels, area, groups);
        Twin x = Twin.random(1, -2, 3, n);
        Twin weight = Twin.random(2, -1, 1, channels);
        Twin bias = Twin.random(3, -1, 1, channels);
        Twin y = Twin.output(n);
        Twin stats = Twin.output(2 * batch * groups);
        Twin stats2 = Twin.output(2 * batch * groups);
        Twin.run(b -> {
            b.norm()
                    .groupNorm(
                            y.on(b), stats.on(b), x.on(b), weight.on(b), bias.on(b), s, 1e-6f,
                            silu);
            b.norm()
                    .groupNorm(
                            null, stats2.on(b), x.on(b), weight.on(b), bias.on(b), s, 1e-6f,
                            silu);
        });
        y.assertClose("y", FORWARD);
        stats.assertClose("stats", FORWARD);
        assertThat(stats2.device()).as("stats alone").isEqualTo(stats.device());
        Twin dy = Twin.random(4, -1, 1, n);
        Twin dx = Twin.output(n);
        Twin dWeight = Twin.output(channels);
        Twin dBias = Twin.output(channels);
        Twin.run(b -> b.norm()
                .groupNormBackward(
                        new Gradients(dx.on(b), dWeight.on(b), dBias.on(b)), dy.on(b), x.on(b), weight.on(b),
                        bias.on(b), stats.on(b),
                        s, silu));
        if (area > 1) {
            dx.assertClose("dx", BACKWARD);
            dWeight.assertClose("dWeight", BACKWARD);
        }
        dBias.assertClose("dBias", BACKWARD);
        Twin dx2 = Twin.output(n);
        Twin dWeight2 = Twin.output(channels);
        Twin.run(b -> {
            b.norm()
                    .groupNormBackward(
                            new Gradients(dx2.on(b), null, null), dy.on(b), x.on(b), weight.on(b), bias.on(b),
                            stats.on(b), s, silu);
            b.norm()
                    .groupNormBackward(
                            new Gradients(null, dWeight2.on(b), null), dy.on(b), x.on(b), weight.on(b), bias.on(b),
                            stats.on(b), s, silu);
        });
        assertThat(dx2.device()).as("dx alone").isEqualTo(dx.device());
        assertThat(dWeight2.device()).as("dWeight alone").isEqualTo(dWeight.device());
    }

    /** A variance that is 1e-8 of the squared mean is lost by sums of squares in f32. */
    @ParameterizedTest
    @ValueSource(ints = {60, 4000, 20000})
    void variancesAreOfDeviations(int n) {
        float[] far = Twin.floats(1, 999, 1001, n);
        Twin x = Twin.of(far);
        Twin ones = Twin.of(constant(1, n));
        Twin zeros = Twin.of(constant(0, n));
        Twin rows = Twin.output(2);
        Twin groups = Twin.output(2);
        Twin y = Twin.output(n);
        Twin.run(b -> {
            b.norm().layerNorm(y.on(b), rows.on(b), x.on(b), ones.on(b), zeros.on(b), 1, n, 1e-5f);
            b.norm().groupNorm(y.on(b), groups.on(b), x.on(b), ones.on(b), zeros.on(b), new GroupShape(1, 1, n, 1),
                    1e-5f, false);
        });
        rows.assertClose("layerNorm", 1e-7);
        groups.assertClose("groupNorm", 1e-7);
        assertThat(groups.device()[1]).isEqualTo(rows.device()[1], within(1e-5f));
    }

    private static float[] constant(float value, int n) {
        float[] values = new float[n];
        Arrays.fill(values, value);
        return values;
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1e-12", "259, 8, 1e-12", "3, 8, 10", "3, 33, 1e-12", "2, 768, 1e-12", "2, 100, 100",
        "1, 4097, 1e-12"})
    void l2Normalize(int rows, int cols, float eps) {
        Twin x = Twin.random(1, -2, 3, rows * cols);
        Twin y = Twin.output(rows * cols);
        Twin inv = Twin.output(rows);
        Twin.run(b -> b.norm().l2Normalize(y.on(b), inv.on(b), x.on(b), rows, cols, eps));
        y.assertClose("y", FORWARD);
        inv.assertClose("invNorm", FORWARD);
        Twin dy = Twin.random(2, -1, 1, rows * cols);
        Twin dx = Twin.output(rows * cols);
        Twin.run(b -> b.norm().l2NormalizeBackward(dx.on(b), dy.on(b), y.on(b), inv.on(b), rows, cols, eps));
        if (cols > 1) {
            dx.assertClose("dx", BACKWARD);
        }
    }
}
