package org.aimjvm.eval;

import java.util.stream.IntStream;
import org.aimjvm.backend.Backend;
import org.aimjvm.data.PictureSource;
import org.aimjvm.data.Pictures;
import org.aimjvm.data.Split;
import org.aimjvm.feature.Classifier;
import org.aimjvm.op.index.NearestCodeOp;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/**
 * Figures that can fail: how far the features of generated pictures are from those of real ones, and whether they are
 * copies.
 */
public final class QualityCheck {
    private QualityCheck() {}

    /**
     * A picture's nearest neighbour.
     *
     * @param index in the set that was searched
     * @param distance mean squared difference of pixels
     */
    public record Neighbour(int index, double distance) {}

    /** Mean and covariance of the classifier's features of pictures; {@code batch} does not change the answer. */
    public static FeatureStatistics features(Classifier classifier, PictureSource pictures, int batch) {
        classifier.requireFit(pictures);
        int dim = classifier.config().features();
        float[] all = new float[Math.multiplyExact(pictures.size(), dim)];
        classifier.forEachBatch(pictures, batch, pictures.size(), (from, features) -> {
            float[] f = features.toFloats();
            System.arraycopy(f, 0, all, from * dim, f.length);
        });
        return FeatureStatistics.of(all, dim);
    }

    /** Mean over pictures of the PSNR of their reconstructions, in dB, see {@link Pictures#psnr}. */
    public static double psnr(PictureSource originals, PictureSource reconstructions) {
        int size = originals.pictureSize();
        if (originals.size() != reconstructions.size() || size != reconstructions.pictureSize()) {
            throw new IllegalArgumentException("reconstructions: " + reconstructions.size() + " of "
                    + reconstructions.pictureSize() + " values (expected " + originals.size() + " of " + size + ")");
        }
        float[] x = new float[size];
        float[] y = new float[size];
        double sum = 0;
        for (int i = 0; i < originals.size(); i++) {
            originals.read(i, x);
            reconstructions.read(i, y);
            sum += Pictures.psnr(x, y, 0, size);
        }
        return sum / originals.size();
    }

    /**
     * For each of {@code queries} the picture of {@code set} with the smallest squared difference of pixels, the first
     * on a tie.
     *
     * @param block pictures of the set compared at a time
     */
    public static Neighbour[] nearest(Backend backend, PictureSource queries, PictureSource set, int block) {
        int size = set.pictureSize();
        if (queries.pictureSize() != size) {
            throw new IllegalArgumentException(
                    "queries: " + queries.pictureSize() + " values a picture (expected " + size + ")");
        }
        Neighbour[] best = new Neighbour[queries.size()];
        int[] all = IntStream.range(0, queries.size()).toArray();
        try (Scope _ = Scope.inference()) {
            Tensor q = Pictures.batch(backend, queries, all, new long[all.length]);
            Tensor z = q.reshape(all.length, size);
            float[] zs = z.toFloats();
            for (int from = 0; from < set.size(); from += block) {
                int[] indices = IntStream.range(from, Math.min(set.size(), from + block)).toArray();
                try (Scope _ = Scope.inference()) {
                    Tensor e = Pictures.batch(backend, set, indices, new long[indices.length]);
                    float[] es = e.toFloats();
                    int[] nearest = NearestCodeOp.nearestCode(z, e.reshape(indices.length, size)).toInts();
                    for (int i = 0; i < best.length; i++) {
                        double d = meanSquare(zs, i * size, es, nearest[i] * size, size);
                        if (best[i] == null || d < best[i].distance()) {
                            best[i] = new Neighbour(from + nearest[i], d);
                        }
                    }
                }
            }
        }
        return best;
    }

    private static double meanSquare(float[] a, int aFrom, float[] b, int bFrom, int size) {
        double sum = 0;
        for (int i = 0; i < size; i++) {
            double d = a[aFrom + i] - b[bFrom + i];
            sum += d * d;
        }
        return sum / size;
    }
}
