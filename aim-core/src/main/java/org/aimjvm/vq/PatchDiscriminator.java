package org.aimjvm.vq;

import java.util.ArrayList;
import java.util.List;
import org.aimjvm.nn.BatchNorm2d;
import org.aimjvm.nn.BatchStatistics;
import org.aimjvm.nn.Conv2d;
import org.aimjvm.nn.Init;
import org.aimjvm.nn.Params;
import org.aimjvm.op.elementwise.PointwiseOp;
import org.aimjvm.tensor.Tensor;

/**
 * PatchGAN (Isola et al. 2017): a convolutional network that says of each patch of a picture whether it is real. 4x4
 * convolutions, the first of stride 2 without a norm, then {@code layers - 1} of stride 2 and one of stride 1 with batch
 * normalisation, each followed by a leaky rectifier of slope 0.2, and one of stride 1 to the logits. Tensors have the
 * published names, {@code main.0.weight} and so on.
 */
public final class PatchDiscriminator {
    private static final float SLOPE = 0.2f;
    /** Channels grow by at most this factor. */
    private static final int MOST_GROWTH = 8;

    /**
     * Sizes of a discriminator; the published one has 3, 64 and 3, which is 2,765,633 parameters.
     *
     * @param channels of the pictures, at least 1
     * @param width channels after the first convolution, 1 to {@link #MOST_WIDTH}
     * @param layers convolutions of stride 2, 1 to {@link #MOST_LAYERS}
     */
    public record Config(int channels, int width, int layers) {
        /** The largest convolution then has 2^30 weights. */
        public static final int MOST_WIDTH = 1024;
        public static final int MOST_LAYERS = 6;

        public Config {
            if (channels < 1 || width < 1 || width > MOST_WIDTH || layers < 1 || layers > MOST_LAYERS) {
                throw new IllegalArgumentException("discriminator: channels " + channels + ", width " + width
                        + ", layers " + layers + " (expected at least 1, a width of at most " + MOST_WIDTH
                        + ", and at most " + MOST_LAYERS + " layers)");
            }
        }

        /** The smallest side of a picture that leaves a patch to judge. */
        public int leastSide() {
            return leastSide(layers);
        }

        /** As {@link #leastSide()} for {@code layers}. */
        public static int leastSide(int layers) {
            return 3 << layers; // each convolution of stride 1 takes one off, after the halvings
        }
    }

    /** A convolution with what follows it. */
    private record Layer(Conv2d conv, BatchNorm2d norm) {}

    private final Params params;
    private final Config config;
    private final List<Layer> layers = new ArrayList<>();
    private final Conv2d logits;

    /** @param params gives the tensors {@code main.N.*} */
    public PatchDiscriminator(Params params, Config config) {
        this.params = params;
        this.config = config;
        int index = 0;
        int in = config.width();
        layers.add(new Layer(Conv2d.patch(params.sub("main", index), config.channels(), in, 2, true), null));
        index += 2; // a convolution and its rectifier
        for (int n = 1; n <= config.layers(); n++) {
            int out = config.width() * Math.min(1 << n, MOST_GROWTH);
            int stride = n < config.layers() ? 2 : 1;
            Conv2d conv = Conv2d.patch(params.sub("main", index), in, out, stride, false);
            BatchNorm2d norm = new BatchNorm2d(params.sub("main", index + 1), out, Init.normal(1, 0.02));
            layers.add(new Layer(conv, norm));
            index += 3;
            in = out;
        }
        this.logits = Conv2d.patch(params.sub("main", index), in, 1, 1, true);
    }

    public Config config() {
        return config;
    }

    /** The discriminator's own tensors by their full names. */
    public Params params() {
        return params;
    }

    /**
     * The same network on the same memory, which gives its weights no gradient: to train a generator through it. Its
     * running statistics are not to be moved.
     */
    public PatchDiscriminator constant() {
        return new PatchDiscriminator(Params.constants(params), config);
    }

    /**
     * Logits of the patches, positive for real, with the running statistics: evaluation.
     *
     * @param pictures (batch, channels, height, width) in [-1, 1]
     * @return (batch, 1, rows, columns)
     */
    public Tensor forward(Tensor pictures) {
        return forward(pictures, null);
    }

    /**
     * As {@link #forward(Tensor)} with the statistics of these pictures: training.
     *
     * @param seen gets the statistics
     */
    public Tensor forward(Tensor pictures, BatchStatistics seen) {
        Tensor x = pictures;
        for (Layer layer : layers) {
            x = layer.conv.forward(x);
            if (layer.norm != null) {
                x = seen == null ? layer.norm.forward(x) : layer.norm.forward(x, seen);
            }
            x = PointwiseOp.leakyRelu(x, SLOPE);
        }
        return logits.forward(x);
    }
}
