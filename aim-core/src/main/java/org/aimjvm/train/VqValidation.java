package org.aimjvm.train;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aimjvm.data.CodeCounts;
import org.aimjvm.data.PictureSource;
import org.aimjvm.data.Pictures;
import org.aimjvm.data.Split;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqModel;

/** How close a tokenizer's reconstructions of unseen pictures come. */
final class VqValidation {
    static final List<String> NAMES = List.of("psnr", "usage", "perplexity");

    private final VqModel model;
    private final PictureSource pictures; // null: none
    private final int[] order;
    private final int batch;

    /**
     * @param pictures {@code null} for none
     * @param recipe its seed decides which pictures are used when not all are, its pass how many at a time
     */
    VqValidation(VqModel model, PictureSource pictures, TrainRecipe recipe) {
        this.model = model;
        this.pictures = pictures;
        this.order = pictures == null ? new int[0] : Split.order(pictures.size(), recipe.seed());
        this.batch = recipe.microBatch();
    }

    /**
     * {@code psnr}: mean over pictures of 10 log10(4 / mean squared error), in dB, of reconstructions clamped to [-1,
     * 1]; {@code usage}: share of the codebook in the codes of these pictures; {@code perplexity}: e to the entropy of
     * these codes.
     *
     * @param most pictures to use, 0 for all
     * @return empty if there are no pictures
     */
    Map<String, Double> measure(int most) {
        int count = Split.limit(order.length, most);
        if (count == 0) {
            return Map.of();
        }
        CodeCounts counts = new CodeCounts(model.config().nEmbed());
        double psnr = 0;
        for (int from = 0; from < count; from += batch) {
            int[] rows = Arrays.copyOfRange(order, from, Math.min(count, from + batch));
            try (Scope _ = Scope.inference()) {
                Tensor x = Pictures.batch(model.backend(), pictures, rows, new long[rows.length]);
                Tensor codes = model.encode(x);
                int f = model.config().downsampling();
                Tensor y = model.decode(codes, rows.length, x.dim(2) / f, x.dim(3) / f);
                counts.add(codes.toInts());
                float[] xs = x.toFloats();
                float[] ys = y.toFloats();
                int size = pictures.pictureSize();
                for (int i = 0; i < rows.length; i++) {
                    psnr += Pictures.psnr(xs, ys, i * size, size);
                }
            }
        }
        Map<String, Double> measures = new LinkedHashMap<>();
        measures.put("psnr", psnr / count);
        measures.putAll(counts.measures());
        return measures;
    }
}
