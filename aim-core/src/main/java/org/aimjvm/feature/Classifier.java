package org.aimjvm.feature;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.aimjvm.backend.Backend;
import org.aimjvm.data.PictureSource;
import org.aimjvm.data.Pictures;
import org.aimjvm.nn.Conv2d;
import org.aimjvm.nn.GroupNorm;
import org.aimjvm.nn.Linear;
import org.aimjvm.nn.Params;
import org.aimjvm.op.elementwise.PointwiseOp;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/**
 * A small convolutional classifier, the independent judge of generated pictures: conv 3x3, two convolutions of stride
 * 2, each with GroupNorm and silu, a linear layer with silu to the features, a linear layer to the classes.
 */
public final class Classifier {
    private static final int GROUPS = 8;
    private static final float EPS = 1e-6f;

    private final Params params;
    private final ClassifierConfig config;
    private final Backend backend;
    private final Conv2d[] convs;
    private final GroupNorm[] norms;
    private final Linear toFeatures;
    private final Linear head;

    /**
     * @param params gives the tensors {@code conv.0} to {@code conv.2}, {@code norm.0} to {@code norm.2},
     *     {@code features}, {@code head}
     */
    public Classifier(Params params, ClassifierConfig config) {
        this.params = params;
        this.config = config;
        this.backend = params.backend();
        int w = config.width();
        this.convs = new Conv2d[] {
            Conv2d.conv3(params.sub("conv", 0), config.channels(), w),
            Conv2d.stride2(params.sub("conv", 1), w, 2 * w),
            Conv2d.stride2(params.sub("conv", 2), 2 * w, 4 * w)
        };
        this.norms = new GroupNorm[] {
            new GroupNorm(params.sub("norm", 0), w, GROUPS, EPS),
            new GroupNorm(params.sub("norm", 1), 2 * w, GROUPS, EPS),
            new GroupNorm(params.sub("norm", 2), 4 * w, GROUPS, EPS)
        };
        int flat = 4 * w * (config.side() / 4) * (config.side() / 4);
        this.toFeatures = new Linear(params.sub("features"), flat, config.features(), true);
        this.head = new Linear(params.sub("head"), config.features(), config.classes(), true);
    }

    public ClassifierConfig config() {
        return config;
    }

    /** The classifier's own tensors by their full names, to train, save or count. */
    public Params params() {
        return params;
    }

    public Backend backend() {
        return backend;
    }

    /**
     * What describes a picture.
     *
     * @param pixels (batch, channels, side, side) in [-1, 1]
     * @return (batch, features)
     */
    public Tensor features(Tensor pixels) {
        Tensor x = levels(pixels).getLast();
        return PointwiseOp.silu(toFeatures.forward(x.reshape(x.dim(0), x.size() / x.dim(0))));
    }

    /**
     * The activations after each convolution.
     *
     * @param pixels (batch, channels, side, side) in [-1, 1]
     * @return (batch, width, side, side), then with twice the channels and half the sides, twice
     */
    public List<Tensor> levels(Tensor pixels) {
        List<Tensor> levels = new ArrayList<>();
        Tensor x = pixels;
        for (int i = 0; i < convs.length; i++) {
            x = norms[i].forwardSilu(convs[i].forward(x));
            levels.add(x);
        }
        return levels;
    }

    /** Scores of the classes, (batch, classes), from {@link #features}. */
    public Tensor logits(Tensor features) {
        return head.forward(features);
    }

    /** What is done with the features of a batch of pictures, the first of which has index {@code from}. */
    public interface FeatureBatch {
        /** @param features (batch, features), valid during the call */
        void accept(int from, Tensor features);
    }

    /**
     * Features of the first {@code count} pictures, batch by batch, in order.
     *
     * @param batch pictures at a time; does not change the features
     */
    public void forEachBatch(PictureSource pictures, int batch, int count, FeatureBatch body) {
        try (Scope _ = Scope.inference()) {
            for (int from = 0; from < count; from += batch) {
                int[] indices = IntStream.range(from, Math.min(count, from + batch)).toArray();
                try (Scope _ = Scope.inference()) {
                    Tensor x = Pictures.batch(backend, pictures, indices, new long[indices.length]);
                    body.accept(from, features(x));
                }
            }
        }
    }

    /** @throws IllegalArgumentException if pictures have another size or other classes than this classifier */
    public void requireFit(PictureSource pictures) {
        if (pictures.channels() != config.channels()
                || pictures.height() != config.side()
                || pictures.width() != config.side()
                || pictures.classNames().size() != config.classes()) {
            throw new IllegalArgumentException("pictures: " + pictures.classNames().size() + " classes, "
                    + pictures.channels() + " x " + pictures.height() + " x " + pictures.width() + " (expected "
                    + config.classes() + " classes, " + config.channels() + " x " + config.side() + " x "
                    + config.side() + " for this classifier)");
        }
    }

    /** Index of the largest value of each row, the first on a tie. */
    public static int[] argmax(float[] rows, int cols) {
        int[] best = new int[rows.length / cols];
        for (int r = 0; r < best.length; r++) {
            for (int c = 1; c < cols; c++) {
                if (rows[r * cols + c] > rows[r * cols + best[r]]) {
                    best[r] = c;
                }
            }
        }
        return best;
    }
}
