package org.aimjvm.train;

import static org.aimjvm.op.elementwise.ArithmeticOp.add;
import static org.aimjvm.op.elementwise.ArithmeticOp.mul;
import static org.aimjvm.op.elementwise.ArithmeticOp.sub;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.data.Draws;
import org.aimjvm.op.conv.Conv2dOp;
import org.aimjvm.op.gemm.LinearOp;
import org.aimjvm.op.picture.ShiftOp;
import org.aimjvm.tensor.Tensor;

/**
 * Differentiable augmentation of what a discriminator sees (Zhao et al. 2020, arXiv 2006.10738), so that it cannot learn
 * a small set of pictures by heart. Real and generated pictures of a row get the same changes, drawn from (seed, step,
 * row), so they do not depend on how a batch is split. All changes are linear in the pixels.
 */
public final class DiffAugment {
    /** A kind of change. */
    public enum Kind {
        /** Brightness +-0.5, then saturation times [0, 2), then contrast times [0.5, 1.5). */
        COLOR,
        /** A shift of up to an eighth of the side in both directions; zeros come in. */
        TRANSLATION,
        /** A square of half the side, anywhere, becomes zero; it may reach over the edge. */
        CUTOUT
    }

    private static final int NUMBERS = 8; // drawn per picture

    private final Set<Kind> kinds;
    private final long seed;

    /** @param kinds none: pictures stay as they are */
    public DiffAugment(Set<Kind> kinds, long seed) {
        this.kinds = kinds.isEmpty() ? EnumSet.noneOf(Kind.class) : EnumSet.copyOf(kinds);
        this.seed = seed;
    }

    /**
     * Changed pictures.
     *
     * @param x (pictures, channels, height, width), the examples of {@code rows}
     * @return as x
     */
    public Tensor apply(Tensor x, MicroBatch rows) {
        Tensor y = x;
        if (kinds.contains(Kind.COLOR)) {
            y = color(y, rows);
        }
        if (kinds.contains(Kind.TRANSLATION)) {
            y = translated(y, rows);
        }
        return kinds.contains(Kind.CUTOUT) ? cut(y, rows) : y;
    }

    /** Number {@code k} of a picture, in [0, 1). */
    private double draw(MicroBatch rows, int picture, int k) {
        return Draws.uniform(
                seed, Draws.Purpose.DISCRIMINATOR, rows.step(), (long) (rows.firstRow() + picture) * NUMBERS + k);
    }

    /** A value for each picture, at each of its elements. */
    private static Tensor perPicture(Tensor like, double[] values) {
        int size = like.size() / values.length;
        float[] all = new float[like.size()];
        for (int n = 0; n < values.length; n++) {
            Arrays.fill(all, n * size, (n + 1) * size, (float) values[n]);
        }
        return Tensor.of(like.backend(), like.shape(), all);
    }

    private Tensor color(Tensor x, MicroBatch rows) {
        double[] brightness = new double[x.dim(0)];
        double[] saturation = new double[x.dim(0)];
        double[] contrast = new double[x.dim(0)];
        for (int n = 0; n < brightness.length; n++) {
            brightness[n] = draw(rows, n, 0) - 0.5;
            saturation[n] = 2 * draw(rows, n, 1);
            contrast[n] = 0.5 + draw(rows, n, 2);
        }
        Tensor bright = add(x, perPicture(x, brightness));
        Tensor grey = channelMean(bright);
        Tensor saturated = add(mul(sub(bright, grey), perPicture(x, saturation)), grey);
        Tensor mean = pictureMean(saturated);
        return add(mul(sub(saturated, mean), perPicture(x, contrast)), mean);
    }

    /** The mean over the channels, for each of them. */
    private static Tensor channelMean(Tensor x) {
        int channels = x.dim(1);
        Tensor weights = Tensor.full(x.backend(), Shape.of(channels, channels, 1, 1), 1f / channels);
        return Conv2dOp.conv2d(x, weights, null, 1, 0, 0, 0, 0);
    }

    /** The mean over a picture, for each of its elements. */
    private static Tensor pictureMean(Tensor x) {
        Backend backend = x.backend();
        int batch = x.dim(0);
        int size = x.size() / batch;
        Tensor mean = LinearOp.linear(x.reshape(batch, size), Tensor.full(backend, Shape.of(1, size), 1f / size), null);
        return LinearOp.linear(mean, Tensor.full(backend, Shape.of(size, 1), 1f), null).reshape(x.shape().toArray());
    }

    private Tensor translated(Tensor x, MicroBatch rows) {
        int[] offsets = new int[2 * x.dim(0)];
        for (int n = 0; n < x.dim(0); n++) {
            offsets[2 * n] = offset(x.dim(2), draw(rows, n, 3));
            offsets[2 * n + 1] = offset(x.dim(3), draw(rows, n, 4));
        }
        return ShiftOp.shift(x, Tensor.ofInts(x.backend(), Shape.of(x.dim(0), 2), offsets));
    }

    /** A whole number from minus to plus an eighth of the side. */
    private static int offset(int side, double u) {
        int most = (side + 4) / 8;
        return (int) Math.floor(u * (2 * most + 1)) - most;
    }

    private Tensor cut(Tensor x, MicroBatch rows) {
        int height = x.dim(2);
        int width = x.dim(3);
        int planes = x.dim(1);
        float[] mask = new float[x.size()];
        Arrays.fill(mask, 1f);
        for (int n = 0; n < x.dim(0); n++) {
            int top = (int) Math.floor(draw(rows, n, 5) * (height + 1)) - height / 4;
            int left = (int) Math.floor(draw(rows, n, 6) * (width + 1)) - width / 4;
            int from = Math.max(0, left);
            int to = Math.min(width, left + width / 2);
            for (int p = n * planes; p < (n + 1) * planes; p++) {
                for (int r = Math.max(0, top); r < Math.min(height, top + height / 2) && from < to; r++) {
                    Arrays.fill(mask, (p * height + r) * width + from, (p * height + r) * width + to, 0f);
                }
            }
        }
        return mul(x, Tensor.of(x.backend(), x.shape(), mask));
    }
}
