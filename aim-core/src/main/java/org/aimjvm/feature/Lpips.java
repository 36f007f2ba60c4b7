package org.aimjvm.feature;

import static org.aimjvm.op.elementwise.ArithmeticOp.add;
import static org.aimjvm.op.elementwise.ArithmeticOp.sub;

import java.util.ArrayList;
import java.util.List;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.nn.Init;
import org.aimjvm.nn.Params;
import org.aimjvm.op.elementwise.PointwiseOp;
import org.aimjvm.op.elementwise.TransposeOp;
import org.aimjvm.op.gemm.LinearOp;
import org.aimjvm.op.norm.L2NormalizeOp;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/**
 * LPIPS (Zhang et al. 2018): at each level of a network, features divided by their norm over the channels, squared
 * differences weighted by channel, the mean over the positions; summed over the levels.
 *
 * <p>Features of norm 0 stay 0, as {@code x / (|x| + 1e-10)} has them; elsewhere that constant is below the rounding of
 * F32 and left out. The targets' features are computed without tape; a pair of batches of b pictures of h x w pixels
 * takes about {@code 2.6 KB h w b} of memory with VGG16.
 */
public final class Lpips implements PerceptualDistance {
    private static final float EPS = 1e-10f;

    private final FeatureLevels network;
    private final List<Tensor> heads = new ArrayList<>();
    private final String identity;

    /**
     * @param params gives {@code linK.model.1.weight} (1, C, 1, 1) for each level K
     * @param identity see {@link #identity()}
     */
    public Lpips(FeatureLevels network, Params params, String identity) {
        this.network = network;
        this.identity = identity;
        int levels = network.widths().size();
        for (int k = 0; k < levels; k++) {
            int width = network.widths().get(k);
            Init init = Init.constant(1f / levels);
            Tensor head = params.sub("lin" + k).get("model.1.weight", Shape.of(1, width, 1, 1), init);
            heads.add(head.detach().reshape(1, width));
        }
    }

    /**
     * The distance of a network of VGG16's shape that has learnt nothing: weights from a seed, all channels of a level
     * weigh the same, so it is twice the mean over levels of one minus the cosine of the features. What matters is the
     * structure of the network more than what it has learnt (Liu et al. 2021, arXiv 2103.10571).
     *
     * @param width channels of the first level
     */
    public static Lpips random(Backend backend, int width, long seed) {
        return uniform(
                Vgg16.random(backend, width, seed), backend, "random VGG16, width " + width + ", seed " + seed);
    }

    /**
     * The distance of any network, all channels of a level weighing the same: twice the mean over levels of one minus
     * the cosine of the features.
     */
    public static Lpips uniform(FeatureLevels network, Backend backend, String identity) {
        return new Lpips(network, Params.random(backend, 0), identity);
    }

    @Override
    public Tensor distance(Tensor pictures, Tensor targets) {
        List<Tensor> of = network.levels(pictures);
        List<Tensor> wanted;
        try (Scope scope = Scope.inference()) {
            wanted = network.levels(targets.detach());
            wanted.forEach(scope::keep);
        }
        Tensor sum = null;
        for (int k = 0; k < heads.size(); k++) {
            Tensor level = level(of.get(k), wanted.get(k), heads.get(k));
            sum = sum == null ? level : add(sum, level);
        }
        return sum;
    }

    /** The weights of a level's channels, (1, C). */
    public Tensor head(int level) {
        return heads.get(level);
    }

    /**
     * The distance of features of one level.
     *
     * @param a (batch, C, H, W)
     * @param b as a
     * @param head (1, C), not negative
     * @return (batch)
     */
    public static Tensor level(Tensor a, Tensor b, Tensor head) {
        int batch = a.dim(0);
        int area = a.dim(2) * a.dim(3);
        Tensor difference = sub(unit(a), unit(b)); // (batch * area, C)
        Tensor weighted = LinearOp.linear(PointwiseOp.square(difference), head, null);
        Tensor mean = Tensor.full(a.backend(), Shape.of(1, area), 1f / area);
        return LinearOp.linear(weighted.reshape(batch, area), mean, null).reshape(batch);
    }

    private static Tensor unit(Tensor x) {
        int area = x.dim(2) * x.dim(3);
        Tensor rows = TransposeOp.transpose(x.reshape(x.dim(0), x.dim(1), area));
        return L2NormalizeOp.l2Normalize(rows.reshape(x.dim(0) * area, x.dim(1)), EPS);
    }

    @Override
    public String identity() {
        return identity;
    }

    @Override
    public void requireFit(int channels, int height, int width) {
        network.requireFit(channels, height, width);
    }
}
