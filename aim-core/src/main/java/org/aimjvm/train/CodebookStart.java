package org.aimjvm.train;

import java.util.Arrays;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.data.Draws;
import org.aimjvm.data.PictureSource;
import org.aimjvm.data.Pictures;
import org.aimjvm.data.Split;
import org.aimjvm.nn.Trace;
import org.aimjvm.op.index.NearestCodeOp;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.Codebook;
import org.aimjvm.vq.VqModel;

/**
 * Puts the codes at the centres of clusters of latents before the first step: Lloyd's algorithm (k-means) from distinct
 * latents, on the unit sphere where codes are normalised. A pure function of model, pictures and seed, so every worker
 * does the same.
 */
final class CodebookStart {
    private static final int ROUNDS = 10;
    /** Latents per code that are enough for its centre. */
    private static final int PER_CODE = 32;
    private static final int MOST_PICTURES = 4096;

    private final VqModel model;
    private final PictureSource pictures;
    private final TrainRecipe recipe;

    CodebookStart(VqModel model, PictureSource pictures, TrainRecipe recipe) {
        this.model = model;
        this.pictures = pictures;
        this.recipe = recipe;
    }

    /** Overwrites the codebook. */
    void kmeans() {
        Codebook codebook = model.codebook();
        int entries = codebook.weight().dim(0);
        int dim = codebook.weight().dim(1);
        float[] latents = latents(entries, dim);
        int rows = latents.length / dim;
        int[] order = Split.order(rows, recipe.seed());
        float[] centres = new float[entries * dim];
        for (int e = 0; e < entries; e++) { // if latents are few, equal centres; all but one stay empty and move
            System.arraycopy(latents, order[e % rows] * dim, centres, e * dim, dim);
        }
        for (int round = 0; round < ROUNDS; round++) {
            move(centres, latents, nearest(latents, centres, rows, entries, dim), dim, round, order);
        }
        codebook.weight().write(centres);
    }

    /** Latents of the first pictures of the run's order, as they are compared with codes, row by row. */
    private float[] latents(int entries, int dim) {
        int perPicture = pictures.height() / model.config().downsampling()
                * (pictures.width() / model.config().downsampling());
        int wanted = Math.min(MOST_PICTURES, (PER_CODE * entries + perPicture - 1) / perPicture);
        int count = Math.min(pictures.size(), Math.max(1, wanted));
        int[] order = Split.order(pictures.size(), recipe.seed());
        float[] all = new float[count * perPicture * dim];
        int batch = recipe.microBatch();
        for (int from = 0; from < count; from += batch) {
            int[] chosen = Arrays.copyOfRange(order, from, Math.min(count, from + batch));
            try (Scope _ = Scope.inference()) {
                Tensor x = Pictures.batch(model.backend(), pictures, chosen, new long[chosen.length]);
                float[] rows = model.codebook().comparedRows(model.latents(x, Trace.OFF)).toFloats();
                System.arraycopy(rows, 0, all, from * perPicture * dim, rows.length);
            }
        }
        return all;
    }

    private int[] nearest(float[] latents, float[] centres, int rows, int entries, int dim) {
        Backend backend = model.backend();
        try (Scope _ = Scope.inference()) {
            return NearestCodeOp.nearestCode(
                    Tensor.of(backend, Shape.of(rows, dim), latents),
                    Tensor.of(backend, Shape.of(entries, dim), centres)).toInts();
        }
    }

    /** Moves each centre to the mean of its latents, one that has none onto a latent drawn anew. */
    private void move(float[] centres, float[] latents, int[] nearest, int dim, int round, int[] order) {
        int entries = centres.length / dim;
        double[] sums = new double[centres.length];
        int[] counts = new int[entries];
        for (int r = 0; r < nearest.length; r++) {
            counts[nearest[r]]++;
            for (int d = 0; d < dim; d++) {
                sums[nearest[r] * dim + d] += latents[r * dim + d];
            }
        }
        for (int e = 0; e < entries; e++) {
            if (counts[e] == 0) {
                long bits = Draws.bits(recipe.seed(), Draws.Purpose.REVIVE, -1 - round, e);
                System.arraycopy(latents, order[Draws.below(bits, order.length)] * dim, centres, e * dim, dim);
                continue;
            }
            double norm = 0;
            for (int d = 0; d < dim; d++) {
                norm += sums[e * dim + d] * sums[e * dim + d];
            }
            double scale = model.config().l2Norm() ? 1 / Math.max(Math.sqrt(norm), 1e-12) : 1.0 / counts[e];
            for (int d = 0; d < dim; d++) {
                centres[e * dim + d] = (float) (sums[e * dim + d] * scale);
            }
        }
    }
}
