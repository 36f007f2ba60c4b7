package org.aimjvm.train;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aimjvm.backend.Shape;
import org.aimjvm.data.PictureSource;
import org.aimjvm.data.Pictures;
import org.aimjvm.data.Split;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqModel;

/** How close a decoder comes to unseen pictures, from codes that are given and from their own. */
final class DecoderValidation {
    static final List<String> NAMES = List.of("loss", "psnr", "reconstruction_psnr");

    private final VqModel model;
    private final CodePairs pairs; // null: none
    private final PictureLosses losses;
    private final int[] order;
    private final int batch;

    /**
     * @param pairs {@code null} for none
     * @param recipe its seed decides which pairs are used when not all are, its pass how many at a time
     */
    DecoderValidation(VqModel model, CodePairs pairs, PictureLosses losses, TrainRecipe recipe) {
        this.model = model;
        this.pairs = pairs;
        this.losses = losses;
        this.order = pairs == null ? new int[0] : Split.order(pairs.size(), recipe.seed());
        this.batch = recipe.microBatch();
    }

    /**
     * {@code loss}: mean reconstruction and perceptual loss of the pairs; {@code psnr}: mean over the pairs of 10
     * log10(4 / mean squared error), in dB, of pictures clamped to [-1, 1]; {@code reconstruction_psnr}: the same of pictures
     * decoded from their own codes.
     *
     * @param most pairs to use, 0 for all
     * @return empty if there are none
     */
    Map<String, Double> measure(int most) {
        int count = Split.limit(order.length, most);
        if (count == 0) {
            return Map.of();
        }
        double loss = 0;
        double ofGiven = 0;
        double ofOwn = 0;
        for (int from = 0; from < count; from += batch) {
            int[] rows = Arrays.copyOfRange(order, from, Math.min(count, from + batch));
            try (Scope _ = Scope.inference()) {
                PictureSource pictures = pairs.pictures();
                Tensor x = Pictures.batch(model.backend(), pictures, rows, new long[rows.length]);
                int[] given = pairs.codes(rows);
                Tensor y = decoded(Tensor.ofInts(model.backend(), Shape.of(given.length), given), rows.length);
                loss += rows.length * (double) losses.likeness(y, x, new LinkedHashMap<>()).item();
                float[] xs = x.toFloats();
                ofGiven += psnrs(xs, y, rows.length);
                ofOwn += psnrs(xs, decoded(model.encode(x), rows.length), rows.length);
            }
        }
        Map<String, Double> measures = new LinkedHashMap<>();
        measures.put("loss", loss / count);
        measures.put("psnr", ofGiven / count);
        measures.put("reconstruction_psnr", ofOwn / count);
        return measures;
    }

    private Tensor decoded(Tensor codes, int count) {
        return model.decode(codes, count, pairs.codes().info().gridHeight(), pairs.codes().info().gridWidth());
    }

    /** Sum over the pictures. */
    private double psnrs(float[] xs, Tensor y, int count) {
        float[] ys = y.toFloats();
        int size = xs.length / count;
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += Pictures.psnr(xs, ys, i * size, size);
        }
        return sum;
    }
}
