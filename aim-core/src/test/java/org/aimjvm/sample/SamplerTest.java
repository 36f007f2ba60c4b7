package org.aimjvm.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.commons.math3.distribution.ChiSquaredDistribution;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Filters keep exactly the promised tokens, by comparison with sorting; draws follow the distribution. The original's
 * distributions are compared in {@code GoldenVerifierTest}.
 */
class SamplerTest {
    private static final SamplingOptions PLAIN = SamplingOptions.PLAIN;

    private static SamplingOptions options(double temperature, int topK, double topP, double minP) {
        return new SamplingOptions((float) temperature, topK, (float) topP, (float) minP);
    }

    private static float[] distribution(SamplingOptions o, float... logits) {
        return new Sampler(o, logits.length).distribution(logits, 0);
    }

    /** The filters as they are described, by a stable ascending sort: probabilities of the tokens kept, else 0. */
    private static double[] bySorting(SamplingOptions o, float[] logits) {
        int n = logits.length;
        float[] sorted = logits.clone();
        Arrays.sort(sorted);
        float least = o.topK() > 0 && o.topK() < n ? sorted[n - o.topK()] : Float.NEGATIVE_INFINITY;
        float[] p = new float[n];
        double total = 0;
        for (int i = 0; i < n; i++) {
            p[i] = logits[i] < least ? 0 : (float) Math.exp((double) (logits[i] - sorted[n - 1]) / o.temperature());
            total += p[i];
        }
        Integer[] ascending = IntStream.range(0, n).boxed().toArray(Integer[]::new);
        Arrays.sort(ascending, (a, b) -> Float.compare(p[a], p[b]));
        double running = 0;
        for (int j = 0; j < n - 1 && o.topP() < 1; j++) {
            running += p[ascending[j]];
            if (running <= (1 - (double) o.topP()) * total) {
                p[ascending[j]] = 0;
            }
        }
        double kept = 0;
        for (int i = 0; i < n; i++) {
            p[i] = p[i] < o.minP() ? 0 : p[i];
            kept += p[i];
        }
        double all = kept;
        return IntStream.range(0, n).mapToDouble(i -> p[i] / all).toArray();
    }

    static Stream<SamplingOptions> manyOptions() {
        return Stream.of(
                PLAIN, SamplingOptions.GREEDY, options(1, 2, 1, 0), options(1, 5, 1, 0), options(1, 40, 1, 0),
                options(1, 1_000_000, 1, 0), options(1, 0, 0.9, 0), options(1, 0, 0.5, 0), options(1, 0, 0.999, 0),
                options(1, 0, 1e-6, 0), options(1, 0, Float.MIN_VALUE, 0), options(0.7, 0, 0.95, 0),
                options(1.5, 30, 0.8, 0.01), options(1, 0, 1, 0.1), options(1, 0, 1, 1), options(0.01, 7, 0.3, 0),
                options(100, 0, 0.25, 0.9), options(1e-6, 0, 1, 0));
    }

    @ParameterizedTest
    @MethodSource("manyOptions")
    void filtersKeepExactlyThePromisedTokens(SamplingOptions o) {
        SplittableRandom random = new SplittableRandom(5);
        for (int n : new int[] {1, 2, 3, 17, 100, 5000}) {
            Sampler sampler = new Sampler(o, n);
            for (int round = 0; round < 20; round++) {
                double spread = new double[] {0.01, 1, 5, 40}[round % 4];
                boolean ties = round % 3 == 0; // logits on a coarse grid: many equal ones
                float[] logits = new float[n + 3];
                for (int i = 0; i < logits.length; i++) {
                    float l = (float) (random.nextDouble(-spread, spread) + (round % 5 == 0 ? -7 : 0));
                    logits[i] = ties ? Math.round(l) : l;
                    if (i > 3 && random.nextInt(10) == 0) {
                        logits[i] = Float.NEGATIVE_INFINITY;
                    }
                }
                float[] before = logits.clone();
                float[] p = sampler.distribution(logits, 3);
                double[] expected = bySorting(o, Arrays.copyOfRange(logits, 3, n + 3));
                for (int i = 0; i < n; i++) {
                    assertThat(p[i] > 0).as("token %d of %d kept with %s", i, n, o).isEqualTo(expected[i] > 0);
                    assertThat((double) p[i]).isCloseTo(expected[i], within(1e-7 * expected[i] + 1e-12));
                }
                assertThat(logits).isEqualTo(before);
            }
        }
    }

    @Test
    void topKKeepsEveryTieAtTheThreshold() {
        assertThat(distribution(options(1, 2, 1, 0), 3, 1, 2, 2, 0, 2)).satisfies(p -> {
            assertThat(p[0]).isPositive();
            assertThat(p[2]).isPositive().isEqualTo(p[3]).isEqualTo(p[5]);
            assertThat(p[1] + p[4]).isZero();
        });
        assertThat(distribution(SamplingOptions.GREEDY, 1, 4, 4, 0)).containsExactly(0, 0.5f, 0.5f, 0);
        assertThat(distribution(options(1, 1, 1, 0), -0f, 0f)).containsExactly(0.5f, 0.5f);
    }

    @Test
    void topPDropsByTheRunningSumFromBelowAndNeverTheGreatest() {
        float[] logits = {(float) Math.log(0.125), (float) Math.log(0.5), (float) Math.log(0.375)};
        assertThat(distribution(options(1, 0, 0.9, 0), logits)[0]).isPositive(); // 0.125 > 0.1
        assertThat(distribution(options(1, 0, 0.8, 0), logits)[0]).isZero(); // 0.125 <= 0.2
        assertThat(distribution(options(1, 0, 0.51, 0), logits)[2]).isPositive(); // 0.125 + 0.375 > 0.49
        assertThat(distribution(options(1, 0, 1e-9, 0), logits)).containsExactly(0, 1, 0);
        // the limit itself is dropped: four equal ones, half of which make up exactly 1 - 0.5
        assertThat(distribution(options(1, 0, 0.5, 0), 1, 1, 1, 1)).containsExactly(0, 0, 0.5f, 0.5f);
        assertThat(distribution(options(1, 0, Float.MIN_VALUE, 0), 1, 1, 1)).containsExactly(0, 0, 1);
    }

    @Test
    void minPIsAShareOfTheGreatest() {
        float[] logits = {0, (float) Math.log(0.11), (float) Math.log(0.09)};
        float[] p = distribution(options(1, 0, 1, 0.1), logits);
        assertThat(p[1]).isPositive();
        assertThat(p[2]).isZero();
        assertThat(p[0] + p[1]).isCloseTo(1, within(1e-6f));
        assertThat(distribution(options(1, 0, 1, 1), logits)).containsExactly(1, 0, 0);
    }

    @Test
    void temperatureDividesTheLogits() {
        float[] cold = distribution(options(0.5, 0, 1, 0), 1, 2);
        assertThat(cold[1] / cold[0]).isCloseTo((float) Math.exp(2), within(1e-5f));
        assertThat(distribution(options(Float.MIN_VALUE, 0, 1, 0), 1, 1.0000001f)).containsExactly(0, 1);
        assertThat(distribution(options(1e6, 0, 1, 0), -3, 3)[0]).isCloseTo(0.5f, within(1e-5f));
    }

    /** Pearson's test at 64 fixed seeds; a right sampler fails one of them with probability 0.006. */
    @ParameterizedTest
    @MethodSource("manyOptions")
    void drawsFollowTheDistribution(SamplingOptions o) {
        float[] logits = {0.3f, -1, 2, 1.5f, -0.2f, 2, 0, -3, 1, 0.7f};
        Sampler sampler = new Sampler(o, logits.length);
        float[] p = sampler.distribution(logits, 0);
        int kept = (int) IntStream.range(0, p.length).filter(i -> p[i] > 0).count();
        double limit = kept == 1 ? 0 : new ChiSquaredDistribution(kept - 1).inverseCumulativeProbability(1 - 1e-4);
        int draws = 4000;
        for (int seed = 0; seed < 64; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            long[] counts = new long[p.length];
            for (int i = 0; i < draws; i++) {
                counts[sampler.sample(logits, 0, random.nextDouble())]++;
            }
            double statistic = 0;
            for (int i = 0; i < p.length; i++) {
                if (p[i] == 0) {
                    assertThat(counts[i]).isZero();
                } else if (p[i] * draws >= 5) {
                    statistic += Math.pow(counts[i] - p[i] * draws, 2) / (p[i] * draws);
                }
            }
            assertThat(statistic).as("seed %d", seed).isLessThanOrEqualTo(limit);
        }
    }

    @Test
    void theEndsOfTheRandomNumbersGiveTheFirstAndLastTokenKept() {
        Sampler sampler = new Sampler(options(1, 3, 1, 0), 5);
        float[] logits = {-9, 1, 0.5f, 1, -9};
        assertThat(sampler.sample(logits, 0, 0)).isEqualTo(1);
        assertThat(sampler.sample(logits, 0, Math.nextDown(1.0))).isEqualTo(3);
    }

    @Test
    void badLogitsAndRandomNumbersAreErrors() {
        Sampler sampler = new Sampler(options(1, 2, 0.9, 0), 3);
        float inf = Float.POSITIVE_INFINITY;
        assertThatThrownBy(() -> sampler.sample(new float[] {0, 1, Float.NaN}, 0, 0.5))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("sample: logit 2 is NaN (the weights are damaged or training diverged)");
        assertThatThrownBy(() -> sampler.distribution(new float[] {-inf, -inf, -inf}, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("sample: greatest logit is -Infinity (expected a finite number)");
        assertThatThrownBy(() -> sampler.sample(new float[] {0, inf, 0}, 0, 0.5)).hasMessageContaining("is Infinity");
        for (double u : new double[] {-0.1, 1, Double.NaN}) {
            assertThatThrownBy(() -> sampler.sample(new float[3], 0, u))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("random number");
        }
        assertThatThrownBy(() -> new Sampler(PLAIN, 0)).hasMessageContaining("vocab_size: 0");
        assertThat(sampler.sample(new float[] {-inf, 0, -inf}, 0, 0.5)).as("still works").isEqualTo(1);
    }

    @Test
    void optionsOutOfRangeAreNamed() {
        assertThatThrownBy(() -> options(0, 0, 1, 0)).hasMessageStartingWith("temperature: 0.0 (expected above 0");
        assertThatThrownBy(() -> options(Double.NaN, 0, 1, 0)).hasMessageStartingWith("temperature: NaN");
        assertThatThrownBy(() -> options(1, -1, 1, 0)).hasMessageStartingWith("top-k: -1 (expected 0 for all");
        assertThatThrownBy(() -> options(1, 0, 0, 0)).hasMessageStartingWith("top-p: 0.0 (expected above 0");
        assertThatThrownBy(() -> options(1, 0, 1.1, 0)).hasMessageStartingWith("top-p: 1.1");
        assertThatThrownBy(() -> options(1, 0, 1, -0.1)).hasMessageStartingWith("min-p: -0.1 (expected 0 to 1");
        assertThatThrownBy(() -> options(1, 0, 1, Float.NaN)).hasMessageStartingWith("min-p: NaN");
    }

    @Test
    void drawingAllocatesNothing() {
        int vocab = 16384;
        float[] logits = new float[vocab];
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < vocab; i++) {
            logits[i] = (float) random.nextDouble(-8, 8);
        }
        Sampler sampler = new Sampler(options(0.9, 600, 0.95, 0.001), vocab);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        sampler.sample(logits, 0, 0.5);
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 100; i++) {
            sampler.sample(logits, 0, i / 100.0);
        }
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(100 * 64);
    }
}
