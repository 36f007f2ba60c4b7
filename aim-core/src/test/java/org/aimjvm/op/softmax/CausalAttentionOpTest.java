package org.aimjvm.op.softmax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.TestBackends;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Attention with a cache is attention over the whole sequence, however the sequence is cut. */
@EverySimdWidth
class CausalAttentionOpTest {
    private static final int BATCH = 2;
    private static final int LENGTH = 37;
    private static final int HEADS = 6;
    private static final int KV_HEADS = 2;
    private static final int HEAD_DIM = 20;

    static Stream<Backend> backends() {
        return TestBackends.available().stream();
    }

    private static float[] values(int width, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[BATCH * LENGTH * width];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextDouble(-2, 2);
        }
        return values;
    }

    /** Positions {@code [from, to)} of every sequence. */
    private static Tensor part(Backend backend, float[] x, int from, int to) {
        int width = x.length / BATCH / LENGTH;
        float[] values = new float[BATCH * (to - from) * width];
        for (int b = 0; b < BATCH; b++) {
            System.arraycopy(x, (b * LENGTH + from) * width, values, b * (to - from) * width, (to - from) * width);
        }
        return Tensor.of(backend, Shape.of(BATCH, to - from, width), values);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void cachedPartsEqualTheWholeSequence(Backend backend) {
        float[] q = values(HEADS * HEAD_DIM, 1);
        float[] k = values(KV_HEADS * HEAD_DIM, 2);
        float[] v = values(KV_HEADS * HEAD_DIM, 3);
        float[] whole = CausalAttentionOp.causalAttention(
                part(backend, q, 0, LENGTH), part(backend, k, 0, LENGTH), part(backend, v, 0, LENGTH), HEADS, KV_HEADS)
                .toFloats();
        int[] tokenByToken = new int[LENGTH + 1];
        Arrays.setAll(tokenByToken, i -> i);
        for (int[] cuts : new int[][] {{0, LENGTH}, {0, 16, LENGTH}, {0, 1, 5, LENGTH}, tokenByToken}) {
            KvCache cache = new KvCache(backend, BATCH, LENGTH + 3, KV_HEADS * HEAD_DIM);
            int width = HEADS * HEAD_DIM;
            for (int i = 1; i < cuts.length; i++) {
                int from = cuts[i - 1];
                int to = cuts[i];
                Tensor out = CausalAttentionOp.causalAttention(
                        part(backend, q, from, to), part(backend, k, from, to), part(backend, v, from, to), HEADS,
                        KV_HEADS,
                        cache);
                assertThat(cache.length()).isEqualTo(to);
                assertThat(out.toFloats()).isEqualTo(part(backend, whole, from, to).toFloats());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void clearedCacheStartsAgain(Backend backend) {
        float[] x = values(KV_HEADS * HEAD_DIM, 4);
        KvCache cache = new KvCache(backend, BATCH, 5, KV_HEADS * HEAD_DIM);
        Tensor first = part(backend, x, 0, 5);
        float[] expected =
                CausalAttentionOp.causalAttention(first, first, first, KV_HEADS, KV_HEADS, cache).toFloats();
        cache.clear();
        assertThat(CausalAttentionOp.causalAttention(first, first, first, KV_HEADS, KV_HEADS, cache).toFloats())
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void wrongUseOfACacheIsAnErrorThatLeavesItAsItWas(Backend backend) {
        int width = KV_HEADS * HEAD_DIM;
        KvCache cache = new KvCache(backend, BATCH, 5, width);
        Tensor six = Tensor.zeros(backend, Shape.of(BATCH, 6, width));
        assertThatThrownBy(() -> CausalAttentionOp.causalAttention(six, six, six, KV_HEADS, KV_HEADS, cache))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("0 cached and 6 new positions, expected at most the capacity, 5");
        Tensor otherBatch = Tensor.zeros(backend, Shape.of(1, 2, width));
        assertThatThrownBy(
                () -> CausalAttentionOp.causalAttention(otherBatch, otherBatch, otherBatch, KV_HEADS, KV_HEADS, cache))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("k of shape (1, 2, 40), expected (2, 2, 40)");
        Tensor two = Tensor.zeros(backend, Shape.of(BATCH, 2, width));
        try (Scope _ = Scope.training()) {
            assertThatThrownBy(() -> CausalAttentionOp.causalAttention(two, two, two, KV_HEADS, KV_HEADS, cache))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("training scope");
        }
        assertThatThrownBy(() -> CausalAttentionOp.causalAttention(two, two, two, 3, KV_HEADS))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("heads 3");
        assertThat(cache.length()).isZero();
    }
}
