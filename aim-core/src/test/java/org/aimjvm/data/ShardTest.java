package org.aimjvm.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShardTest {
    @ParameterizedTest
    @CsvSource({"0, 3", "1, 3", "7, 1", "7, 7", "3, 7", "1281167, 64", "2147483647, 1000"})
    void sharesFollowEachOtherAndDifferByAtMostOneRow(int rows, int of) {
        int at = 0;
        for (int rank = 0; rank < of; rank++) {
            Shard shard = new Shard(rank, of);
            assertThat(shard.from(rows)).isEqualTo(at);
            assertThat(shard.size(rows)).isBetween(rows / of, Math.ceilDiv(rows, of));
            at = shard.to(rows);
        }
        assertThat(at).isEqualTo(rows);
    }

    @Test
    void oneWorkerHasEverything() {
        assertThat(Shard.ALL.from(9)).isZero();
        assertThat(Shard.ALL.to(9)).isEqualTo(9);
        assertThat(new Shard(1, 3)).hasToString("2/3");
    }

    @Test
    void impossibleSharesAreRefused() {
        assertThatThrownBy(() -> new Shard(0, 0)).hasMessage("shards: 0 (expected at least 1)");
        assertThatThrownBy(() -> new Shard(3, 3)).hasMessage("shard: 3 (expected 0 to 2, there are 3)");
        assertThatThrownBy(() -> new Shard(-1, 3)).hasMessageStartingWith("shard: -1");
        assertThatThrownBy(() -> Shard.ALL.from(-1)).hasMessage("rows: -1 (expected at least 0)");
    }

    @ParameterizedTest
    @CsvSource({"1", "2", "3", "7"})
    void sharesOfABatchAreTheBatch(int of) {
        EpochSampler sampler = new EpochSampler(23, 5, 9);
        for (int step = 0; step < 9; step++) {
            int[] joined = {};
            for (int rank = 0; rank < of; rank++) {
                int[] share = sampler.indices(step, new Shard(rank, of));
                int before = joined.length;
                joined = Arrays.copyOf(joined, before + share.length);
                System.arraycopy(share, 0, joined, before, share.length);
            }
            assertThat(joined).isEqualTo(sampler.indices(step));
        }
    }
}
