package org.aimjvm.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.data.PictureSource;
import org.aimjvm.data.Pictures;
import org.aimjvm.nn.Params;
import org.aimjvm.nn.Trace;
import org.aimjvm.tensor.Scope;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Laws of the codes that k-means begins with. */
class CodebookStartTest {
    private static final int DIM = 4;
    private static final int LATENTS_PER_PICTURE = 16; // pictures of 8 x 8, two pixels per code

    private static VqModel model(Backend backend, int codes, boolean normalized) {
        VqConfig config = VqConfig.builder().ch(8).chMult(List.of(1, 2)).numResBlocks(1).zChannels(8).nEmbed(codes)
                .embedDim(DIM).channels(1, 1).normGroups(4).l2Norm(normalized).build();
        return new VqModel(Params.random(backend, 4).sub(VqModel.NAME), config);
    }

    private static TrainRecipe recipe(int microBatch, long seed) {
        TrainRecipe r = TinyRuns.recipe(2, microBatch, 1, 1e-3);
        return new TrainRecipe(r.batch(), r.accumulation(), seed, r.optimizer(), r.schedule(), r.emaDecay());
    }

    private static float[] start(VqModel model, PictureSource pictures, TrainRecipe recipe) {
        new CodebookStart(model, pictures, recipe).kmeans();
        return model.codebook().weight().toFloats();
    }

    private static float[] latents(VqModel model, PictureSource pictures) {
        int[] all = IntStream.range(0, pictures.size()).toArray();
        try (Scope _ = Scope.inference()) {
            return model.codebook().comparedRows(
                    model.latents(Pictures.batch(model.backend(), pictures, all, new long[all.length]), Trace.OFF))
                    .toFloats();
        }
    }

    private static double distance(float[] a, int i, float[] b, int j) {
        double sum = 0;
        for (int d = 0; d < DIM; d++) {
            double difference = (double) a[i * DIM + d] - b[j * DIM + d];
            sum += difference * difference;
        }
        return sum;
    }

    /** Mean squared distance of latents from their nearest code. */
    private static double error(float[] latents, float[] codes) {
        double sum = 0;
        for (int i = 0; i < latents.length / DIM; i++) {
            double least = Double.POSITIVE_INFINITY;
            for (int j = 0; j < codes.length / DIM; j++) {
                least = Math.min(least, distance(latents, i, codes, j));
            }
            sum += least;
        }
        return sum / (latents.length / DIM);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void centresAreNearerThanLatentsDrawnAtRandom(boolean normalized) {
        PictureSource pictures = TinyRuns.squares(24);
        VqModel model = model(TinyRuns.BACKEND, 8, normalized);
        float[] latents = latents(model, pictures);
        float[] codes = start(model, pictures, recipe(8, 5));
        double drawn = 0;
        for (int draw = 0; draw < 20; draw++) {
            float[] some = new float[8 * DIM];
            for (int code = 0; code < 8; code++) {
                int row = (draw * 97 + code * 41) % (latents.length / DIM);
                System.arraycopy(latents, row * DIM, some, code * DIM, DIM);
            }
            drawn += error(latents, some) / 20;
        }
        assertThat(error(latents, codes)).isLessThan(0.7 * drawn);
    }

    @Test
    void normalisedCodesBeginOnTheUnitSphere() {
        float[] codes = start(model(TinyRuns.BACKEND, 8, true), TinyRuns.squares(24), recipe(8, 5));
        float[] zero = new float[DIM];
        for (int code = 0; code < 8; code++) {
            assertThat(distance(codes, code, zero, 0)).isCloseTo(1, offset(1e-6));
        }
    }

    @Test
    void moreCodesThanLatentsAllBeginOnLatents() {
        PictureSource pictures = TinyRuns.squares(1);
        VqModel model = model(TinyRuns.BACKEND, 3 * LATENTS_PER_PICTURE, false);
        float[] latents = latents(model, pictures);
        float[] codes = start(model, pictures, recipe(1, 5));
        for (int code = 0; code < codes.length / DIM; code++) {
            int at = code;
            double nearest = IntStream.range(0, LATENTS_PER_PICTURE)
                    .mapToDouble(i -> distance(codes, at, latents, i)).min().orElseThrow();
            assertThat(nearest).isLessThan(1e-10);
        }
        assertThat(error(latents, codes)).isLessThan(1e-10);
    }

    @Test
    void startsDependOnTheSeedButNotOnThreadsOrPasses() {
        PictureSource pictures = TinyRuns.squares(24);
        float[] codes = start(model(TinyRuns.BACKEND, 8, true), pictures, recipe(8, 5));
        Backend alone = Backends.open(TinyRuns.BACKEND.name(), 1);
        assertThat(start(model(alone, 8, true), pictures, recipe(8, 5))).isEqualTo(codes);
        assertThat(start(model(alone, 8, true), pictures, recipe(5, 5))).isEqualTo(codes);
        float[] other = start(model(TinyRuns.BACKEND, 8, true), pictures, recipe(8, 6));
        assertThat(Arrays.equals(other, codes)).isFalse();
    }
}
