package org.aimjvm.feature;

import static org.aimjvm.op.elementwise.ArithmeticOp.add;
import static org.aimjvm.op.elementwise.ArithmeticOp.sub;

import java.util.ArrayList;
import java.util.List;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.nn.Conv2d;
import org.aimjvm.nn.Init;
import org.aimjvm.nn.Params;
import org.aimjvm.op.conv.Conv2dOp;
import org.aimjvm.op.elementwise.PointwiseOp;
import org.aimjvm.op.norm.BatchNormOp;
import org.aimjvm.op.picture.PoolOp;
import org.aimjvm.tensor.Tensor;

/**
 * The convolutions of VGG16 (Simonyan and Zisserman 2015) as LPIPS uses them: five groups of two or three 3x3
 * convolutions with rectifiers, halved by pooling between groups; a level is what a group ends with (relu1_2, 2_2, 3_3,
 * 4_3, 5_3). Pictures are shifted and scaled first as LPIPS does, those of one channel repeated to three.
 */
public final class Vgg16 implements FeatureLevels {
    /** Channels of the first group of the published network. */
    public static final int WIDTH = 64;

    private static final int[] CONVOLUTIONS = {2, 2, 3, 3, 3};
    private static final int[] GROWTH = {1, 2, 4, 8, 8};
    private static final int LEAST_SIDE = 16;
    private static final float[] SHIFT = {-0.030f, -0.088f, -0.188f};
    private static final float[] SCALE = {0.458f, 0.448f, 0.450f};

    private final Backend backend;
    private final int width;
    private final List<List<Conv2d>> groups = new ArrayList<>();

    /**
     * @param params gives {@code features.N.weight} and {@code .bias} with torchvision's numbers, N = 0, 2, 5, 7, 10 to
     *     28
     * @param width channels of the first group; the others have 2, 4, 8 and 8 times as many
     */
    public Vgg16(Params params, int width) {
        this.backend = params.backend();
        this.width = width;
        int index = 0;
        int in = 3;
        for (int g = 0; g < CONVOLUTIONS.length; g++) {
            List<Conv2d> group = new ArrayList<>();
            for (int i = 0; i < CONVOLUTIONS[g]; i++) {
                group.add(Conv2d.rectified3(params.sub("features", index), in, GROWTH[g] * width));
                in = GROWTH[g] * width;
                index += 2; // a convolution and its rectifier
            }
            index++; // the pooling
            groups.add(group);
        }
    }

    /** He initialised weights of a seed that get no gradient: a network of this shape that has learnt nothing. */
    static Vgg16 random(Backend backend, int width, long seed) {
        Params params = Params.random(backend, seed);
        new Vgg16(params, width);
        return new Vgg16(Params.constants(params), width);
    }

    /**
     * {@code (x - shift) / scale} per channel with LPIPS's constants, after repeating a single channel. The values are
     * computed on the host, with the subtraction and the division that the original has, so that they have its bits:
     * rectifiers near zero would take the other side for less.
     */
    public static Tensor scaled(Tensor pictures) {
        Backend backend = pictures.backend();
        Tensor x = pictures;
        if (x.dim(1) == 1) {
            x = Conv2dOp.conv2d(x, Tensor.full(backend, Shape.of(3, 1, 1, 1), 1f), null, 1, 0, 0, 0, 0);
        }
        float[] values = x.toFloats();
        int area = x.dim(2) * x.dim(3);
        for (int i = 0; i < values.length; i++) {
            int c = i / area % 3;
            values[i] = (values[i] - SHIFT[c]) / SCALE[c];
        }
        Tensor exact = Tensor.of(backend, x.shape(), values);
        if (!x.needsGrad()) {
            return exact;
        }
        float[] inverse = new float[3];
        for (int c = 0; c < 3; c++) {
            inverse[c] = 1 / SCALE[c];
        }
        Shape channels = Shape.of(3);
        Tensor nearly = BatchNormOp.batchNorm( // for its gradient
                x, Tensor.of(backend, channels, inverse), Tensor.full(backend, channels, 0f),
                Tensor.of(backend, channels, SHIFT), Tensor.full(backend, channels, 1f), 0f);
        return add(exact, sub(nearly, nearly.detach()));
    }

    @Override
    public List<Tensor> levels(Tensor pictures) {
        List<Tensor> levels = new ArrayList<>();
        Tensor x = scaled(pictures);
        for (List<Conv2d> group : groups) {
            if (!levels.isEmpty()) {
                x = PoolOp.maxPool2d(x, PoolOp.Window.square(2, 2, 0));
            }
            for (Conv2d conv : group) {
                x = PointwiseOp.relu(conv.forward(x));
            }
            levels.add(x);
        }
        return levels;
    }

    @Override
    public List<Integer> widths() {
        List<Integer> widths = new ArrayList<>();
        for (int growth : GROWTH) {
            widths.add(growth * width);
        }
        return widths;
    }

    @Override
    public void requireFit(int channels, int height, int width) {
        if (channels != 1 && channels != 3 || height < LEAST_SIDE || width < LEAST_SIDE) {
            throw new IllegalArgumentException("perceptual distance: pictures of " + channels + " x " + height + " x "
                    + width + " (expected 1 or 3 channels and at least " + LEAST_SIDE + " x " + LEAST_SIDE
                    + " pixels for VGG16)");
        }
    }

    public Backend backend() {
        return backend;
    }
}
