package org.aimjvm.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.SamplingKernels;
import org.aimjvm.backend.Storage;
import org.aimjvm.sample.Sampler;
import org.aimjvm.sample.SamplingOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Draws on the device are those of {@link Sampler}. */
class CudaSamplingKernelsTest {
    private static final int POSITIONS = 3;

    /** Everything of a draw; contents as the test wants them. */
    private static final class Batch {
        final Backend backend = CudaTests.backend();
        final int pictures;
        final int vocab;
        final boolean guided;
        final float[] logits;
        final int[] uniforms;
        final float[] scales = {1.5f, 3f, 0.5f};
        final int[] forced = {-1, -1, -1};
        final Storage codes;
        final Storage tokens;
        final Storage rows;
        final Storage position;

        Batch(int pictures, int vocab, boolean guided, long seed) {
            this.pictures = pictures;
            this.vocab = vocab;
            this.guided = guided;
            SplittableRandom random = new SplittableRandom(seed);
            this.logits = new float[sequences() * vocab];
            for (int i = 0; i < logits.length; i++) {
                logits[i] = (float) random.nextDouble(-6, 6);
            }
            this.uniforms = new int[pictures * POSITIONS * 2];
            for (int i = 0; i < uniforms.length; i += 2) {
                long bits = random.nextLong() >>> 11;
                uniforms[i] = (int) (bits >>> 32);
                uniforms[i + 1] = (int) bits;
            }
            this.codes = ints(new int[pictures * POSITIONS]);
            this.tokens = ints(new int[sequences()]);
            this.rows = ints(new int[sequences()]);
            this.position = ints(new int[] {0});
        }

        int sequences() {
            return guided ? 2 * pictures : pictures;
        }

        Storage ints(int[] values) {
            Storage s = backend.allocate(DType.I32, values.length);
            backend.write(s, 0, values, 0, values.length);
            return s;
        }

        Storage floats(float[] values) {
            Storage s = backend.allocate(DType.F32, values.length);
            backend.write(s, 0, values, 0, values.length);
            return s;
        }

        int[] read(Storage s) {
            int[] values = new int[s.size()];
            backend.read(s, 0, values, 0, values.length);
            return values;
        }

        /** Draws all positions, each from the same logits. */
        int[] draw(SamplingOptions o) {
            for (int t = 0; t < POSITIONS; t++) {
                backend.sampling().orElseThrow().draw(
                        new SamplingKernels.State(codes, tokens, rows, position), floats(logits),
                        new SamplingKernels.Plan(ints(uniforms), floats(scales), ints(forced)),
                        new SamplingKernels.Sizes(pictures, POSITIONS, vocab, guided),
                        new SamplingKernels.Filters(o.temperature(), o.topK(), o.topP(), o.minP()));
            }
            return read(codes);
        }

        /** What the host draws. */
        int[] expected(SamplingOptions o) {
            Sampler sampler = new Sampler(o, vocab);
            int[] drawn = new int[pictures * POSITIONS];
            for (int i = 0; i < drawn.length; i++) {
                int picture = i / POSITIONS;
                float[] l = Arrays.copyOfRange(logits, picture * vocab, (picture + 1) * vocab);
                for (int v = 0; guided && v < vocab; v++) {
                    float u = logits[(pictures + picture) * vocab + v];
                    l[v] = u + (l[v] - u) * scales[i % POSITIONS];
                }
                long bits = (long) uniforms[2 * i] << 32 | uniforms[2 * i + 1] & 0xffffffffL;
                drawn[i] = forced[i % POSITIONS] >= 0 ? forced[i % POSITIONS] : sampler.sample(l, 0, bits * 0x1p-53);
            }
            return drawn;
        }
    }

    @ParameterizedTest
    @CsvSource({
        "1, 0, 1, 0", "0.7, 0, 1, 0", "1, 1, 1, 0", "1, 5, 1, 0", "1, 600, 1, 0", "1, 0, 0.9, 0", "1.3, 0, 0.05, 0",
        "1, 0, 1, 0.1", "0.9, 50, 0.8, 0.02", "1, 100000, 0.999, 0"
    })
    void drawsWhatTheHostDraws(float temperature, int topK, float topP, float minP) {
        SamplingOptions options = new SamplingOptions(temperature, topK, topP, minP);
        for (int vocab : new int[] {1, 63, 64, 1000, 2049}) {
            for (boolean guided : new boolean[] {false, true}) {
                Batch batch = new Batch(3, vocab, guided, vocab + 17);
                assertThat(batch.draw(options)).as("vocab %d, guided %s", vocab, guided)
                        .isEqualTo(batch.expected(options));
            }
        }
    }

    @Test
    void drawsOfAWholeCodebook() {
        SamplingOptions options = new SamplingOptions(1, 2000, 0.98f, 0);
        Batch batch = new Batch(2, 16384, true, 5);
        assertThat(batch.draw(options)).isEqualTo(batch.expected(options));
    }

    /** Of equal probabilities top-p drops those with the lowest index first. */
    @Test
    void equalProbabilities() {
        for (float topP : new float[] {0.001f, 0.3f, 0.5f, 0.95f}) {
            SamplingOptions options = new SamplingOptions(1, 0, topP, 0);
            Batch batch = new Batch(2, 300, false, 6);
            for (int i = 0; i < batch.logits.length; i++) {
                batch.logits[i] = i % 3;
            }
            assertThat(batch.draw(options)).as("top-p %s", topP).isEqualTo(batch.expected(options));
        }
    }

    @Test
    void forcedTokensAreTakenAndPositionsCount() {
        Batch batch = new Batch(2, 100, true, 7);
        batch.forced[0] = 42;
        batch.forced[2] = 7;
        int[] codes = batch.draw(SamplingOptions.PLAIN);
        assertThat(codes).isEqualTo(batch.expected(SamplingOptions.PLAIN));
        assertThat(batch.read(batch.position)).containsExactly(POSITIONS);
        assertThat(batch.read(batch.rows)).containsExactly(POSITIONS, POSITIONS, POSITIONS, POSITIONS);
        assertThat(batch.read(batch.tokens)).containsExactly(7, 7, 7, 7);
    }

    @Test
    void faultyLogitsGiveNoCode() {
        Batch batch = new Batch(3, 200, false, 8);
        batch.logits[150] = Float.NaN;
        Arrays.fill(batch.logits, 200, 400, Float.NEGATIVE_INFINITY);
        int[] codes = batch.draw(SamplingOptions.PLAIN);
        assertThat(Arrays.copyOf(codes, 6)).containsOnly(-1);
        assertThat(codes[6]).isNotNegative();
        assertThat(batch.read(batch.tokens)[0]).isZero();
    }
}
