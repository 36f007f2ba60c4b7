package org.aimjvm.feature;

import org.aimjvm.backend.Backend;
import org.aimjvm.nn.Conv2d;
import org.aimjvm.nn.GroupNorm;
import org.aimjvm.nn.Linear;
import org.aimjvm.nn.Params;
import org.aimjvm.op.elementwise.PointwiseOp;
import org.aimjvm.tensor.Tensor;

/**
 * A small convolutional classifier, the independent judge of generated pictures: conv 3x3, two convolutions of stride 2, each with
 * GroupNorm and silu, a linear layer with silu to the features, a linear layer to the classes.
 */
public final class Classifier {
    private static final int GROUPS = 8;
    private static final float EPS = 1e-6f;

    private final ClassifierConfig config;
    private final Backend backend;
    private final Conv2d[] convs;
    private final GroupNorm[] norms;
    private final Linear toFeatures;
    private final Linear head;

    /** @param params gives the tensors {@code conv.0} to {@code conv.2}, {@code norm.0} to {@code norm.2}, {@code features}, {@code head} */
    public Classifier(Params params, ClassifierConfig config) {
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
        Tensor x = pixels;
        for (int i = 0; i < convs.length; i++) {
            x = norms[i].forwardSilu(convs[i].forward(x));
        }
        return PointwiseOp.silu(toFeatures.forward(x.reshape(x.dim(0), x.size() / x.dim(0))));
    }

    /** Scores of the classes, (batch, classes), from {@link #features}. */
    public Tensor logits(Tensor features) {
        return head.forward(features);
    }
}
