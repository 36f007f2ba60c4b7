package org.aimjvm.data;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.IntConsumer;
import org.aimjvm.tensor.Scope;
import org.aimjvm.vq.VqModel;

/** Turns pictures into codes on disk, once, for stage 2. */
public final class CodeExtractor {
    private final VqModel model;

    public CodeExtractor(VqModel model) {
        this.model = model;
    }

    /**
     * Encodes all pictures into a {@link TokenDataset}.
     *
     * @param folder where to put it, replaced when complete
     * @param views times each picture is encoded: first as it is, then with random crops and flips of the source; row
     *     {@code v * size + i} is view v of picture i. 1 where the source has views of its own
     *     ({@link PictureSource#crops}), which become the crops of the set
     * @param seed of the crops and flips
     * @param batch pictures at a time; codes do not depend on it
     * @param progress told how many rows are done
     */
    public void extract(PictureSource pictures, Path folder, int views, long seed, int batch, IntConsumer progress) {
        extract(pictures, folder, views, seed, batch, Shard.ALL, progress);
    }

    /**
     * Encodes a worker's share of the rows; {@link TokenDatasetWriter#merge} joins the shares of all into what {@link
     * #extract(PictureSource, Path, int, long, int, IntConsumer)} writes alone.
     *
     * @param folder where to put the share, replaced when complete
     * @param shard which rows of the {@code views * size}
     * @param progress told how many rows of the share are done
     */
    public void extract(PictureSource pictures, Path folder, int views, long seed, int batch, Shard shard,
            IntConsumer progress) {
        if (views < 1 || batch < 1) {
            throw new IllegalArgumentException("views, batch: " + views + ", " + batch + " (expected at least 1)");
        }
        if (views > 1 && pictures.crops() > 1) {
            throw new IllegalArgumentException("views: " + views + " (expected 1: of each picture " + pictures.crops()
                    + " are there already)");
        }
        int f = model.config().downsampling();
        TokenDatasetInfo info = new TokenDatasetInfo(
                pictures.height() / f,
                pictures.width() / f,
                model.config().nEmbed(),
                pictures.classNames(),
                pictures.fingerprint(),
                tokenizerFingerprint(),
                pictures.crops());
        int rows = Math.multiplyExact(pictures.size(), views);
        int codesPerFile = Math.max(info.length(), TokenDatasetWriter.DEFAULT_CODES_PER_FILE);
        try (TokenDatasetWriter writer = new TokenDatasetWriter(folder, info, rows, codesPerFile, shard);
                Scope _ = Scope.inference()) {
            int start = shard.from(rows);
            int end = shard.to(rows);
            for (int from = start; from < end; from += batch) {
                int to = Math.min(end, from + batch);
                int[] codes = encode(pictures, from, to, seed);
                for (int row = from; row < to; row++) {
                    writer.add(codes, (row - from) * info.length(), pictures.label(row % pictures.size()));
                }
                progress.accept(to - start);
            }
            writer.finish();
        }
    }

    private int[] encode(PictureSource pictures, int from, int to, long seed) {
        int[] indices = new int[to - from];
        long[] draws = new long[to - from];
        for (int row = from; row < to; row++) {
            int view = row / pictures.size();
            indices[row - from] = row % pictures.size();
            draws[row - from] = view == 0 ? 0 : Draws.bits(seed, Draws.Purpose.AUGMENT, view, indices[row - from]) | 1;
        }
        try (Scope _ = Scope.inference()) {
            return model.encode(Pictures.batch(model.backend(), pictures, indices, draws)).toInts();
        }
    }

    /** Identifies the tokenizer by its configuration and weights; codes carry it. */
    public String tokenizerFingerprint() {
        Fingerprint print = new Fingerprint().add(model.config().toString());
        model.params().weights().forEach((name, t) -> {
            int[] bits = new int[t.size()];
            float[] values = t.toFloats();
            Arrays.setAll(bits, i -> Float.floatToIntBits(values[i]));
            print.add(name).add(bits);
        });
        return print.toString();
    }
}
