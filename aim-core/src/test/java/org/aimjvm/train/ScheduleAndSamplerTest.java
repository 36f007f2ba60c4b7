package org.aimjvm.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.IntStream;
import org.aimjvm.data.Draws;
import org.aimjvm.data.EpochSampler;
import org.aimjvm.data.Shard;
import org.aimjvm.optim.LrSchedule;
import org.aimjvm.optim.LrSchedule.Kind;
import org.junit.jupiter.api.Test;

class ScheduleAndSamplerTest {

    @Test
    void schedulesWarmUpAndFall() {
        LrSchedule linear = new LrSchedule(Kind.LINEAR, 4, 12);
        assertThat(linear.factor(0)).isEqualTo(0.25);
        assertThat(linear.factor(3)).isEqualTo(1);
        assertThat(linear.factor(4)).isEqualTo(1);
        assertThat(linear.factor(8)).isEqualTo(0.5);
        assertThat(linear.factor(11)).isEqualTo(0.125);
        assertThat(linear.factor(12)).isZero();
        LrSchedule cosine = new LrSchedule(Kind.COSINE, 0, 10);
        assertThat(cosine.factor(0)).isEqualTo(1);
        assertThat(cosine.factor(5)).isCloseTo(0.5, within(1e-12));
        assertThat(cosine.factor(99)).isZero();
        assertThat(new LrSchedule(Kind.CONSTANT, 0, 1).factor(7)).isEqualTo(1);
        assertThatThrownBy(() -> new LrSchedule(Kind.LINEAR, 5, 4)).hasMessageStartingWith("warmupSteps: 5");
    }

    @Test
    void everyEpochIsAShuffleOfItsOwnAndAnyStepCanBeAskedFor() {
        EpochSampler sampler = new EpochSampler(23, 5, 9);
        assertThat(sampler.stepsPerEpoch()).isEqualTo(4);
        Set<Integer> first = new HashSet<>();
        for (int step = 0; step < 4; step++) {
            IntStream.of(sampler.indices(step)).forEach(i -> assertThat(first.add(i)).isTrue());
        }
        assertThat(first).hasSize(20).allMatch(i -> i >= 0 && i < 23);
        int[] later = sampler.indices(9);
        assertThat(sampler.epoch(9)).isEqualTo(2);
        assertThat(sampler.indices(0)).isNotEqualTo(sampler.indices(4));
        assertThat(new EpochSampler(23, 5, 9).indices(9)).isEqualTo(later);
        assertThat(new EpochSampler(23, 5, 10).indices(9)).isNotEqualTo(later);
        assertThatThrownBy(() -> new EpochSampler(4, 5, 0)).hasMessageStartingWith("batch: 5 (expected 1 to 4");
    }

    @Test
    void balancedEpochsDrawEachClassEquallyOften() {
        int[] labels = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 5, 5, 5, 5, 5, 7}; // 13, 4, 5 and 1 of 4 classes
        EpochSampler sampler = EpochSampler.balanced(labels, 5, 9);
        assertThat(sampler.stepsPerEpoch()).isEqualTo(4);
        for (int epoch = 0; epoch < 20; epoch++) {
            int[] classes = new int[8];
            int[] times = new int[labels.length];
            for (int step = 4 * epoch; step < 4 * epoch + 4; step++) {
                for (int i : sampler.indices(step)) {
                    classes[labels[i]]++;
                    times[i]++;
                    int[] there = {classes[0], classes[2], classes[5], classes[7]};
                    assertThat(IntStream.of(there).max().orElseThrow() - IntStream.of(there).min().orElseThrow())
                            .isLessThanOrEqualTo(1);
                }
            }
            assertThat(classes).containsExactly(5, 0, 5, 0, 0, 5, 0, 5);
            assertThat(Arrays.copyOfRange(times, 0, 13)).containsOnly(0, 1);
            assertThat(Arrays.copyOfRange(times, 13, 17)).containsOnly(1, 2);
            assertThat(Arrays.copyOfRange(times, 17, 22)).containsOnly(1);
        }
        assertThat(sampler.indices(0)).isNotEqualTo(sampler.indices(4));
        assertThat(EpochSampler.balanced(labels, 5, 9).indices(33)).isEqualTo(sampler.indices(33));
        int[] shares = IntStream.range(0, 3).flatMap(rank -> IntStream.of(sampler.indices(33, new Shard(rank, 3))))
                .toArray();
        assertThat(shares).isEqualTo(sampler.indices(33));
        assertThatThrownBy(() -> EpochSampler.balanced(new int[0], 1, 0)).hasMessageStartingWith("batch: 1 (expected");
    }

    @Test
    void shufflesAreEven() {
        int[][] counts = new int[5][5];
        for (int epoch = 0; epoch < 5000; epoch++) {
            int[] order = EpochSampler.shuffle(5, 1, epoch);
            for (int i = 0; i < 5; i++) {
                counts[i][order[i]]++;
            }
        }
        for (int[] row : counts) {
            for (int c : row) {
                assertThat(c).isBetween(880, 1120); // 1000 +- 4 standard deviations
            }
        }
    }

    @Test
    void drawsAreUniformAndDifferByPurpose() {
        double sum = 0;
        for (int i = 0; i < 10_000; i++) {
            sum += Draws.uniform(1, Draws.Purpose.LABEL_DROPOUT, 0, i);
        }
        assertThat(sum / 10_000).isCloseTo(0.5, within(0.015));
        assertThat(Draws.bits(1, Draws.Purpose.SHUFFLE, 2, 3)).isNotEqualTo(Draws.bits(1, Draws.Purpose.SPLIT, 2, 3));
    }
}
