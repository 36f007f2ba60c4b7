package org.aimjvm.backend;

/** Two-dimensional convolution over NCHW, and nearest-neighbour upsampling. */
public interface ConvKernels {

    /**
     * The normalisation of a picture whose statistics are known.
     *
     * @param stats (batch, groups, 2), as {@link NormKernels#groupNorm} leaves them
     * @param weight (channels)
     * @param bias (channels)
     * @param groups a divisor of channels
     */
    record Norm(Storage stats, Storage weight, Storage bias, int groups) {}

    /**
     * {@code y[n, o, i, j] = bias[o] + sum over c, u, v of w[o, c, u, v] x[n, c, i*stride + u - padTop, j*stride + v -
     * padLeft]}, zero outside the picture (cross-correlation, as in every framework).
     *
     * @param y output (batch, outChannels, outHeight, outWidth)
     * @param w (outChannels, inChannels, kernelHeight, kernelWidth)
     * @param bias (outChannels), or {@code null}
     */
    void conv2d(Storage y, Storage x, Storage w, Storage bias, Conv2dShape s);

    /**
     * {@link #conv2d} of {@code silu(GroupNorm(x))}, plus a residual: the bits of {@link NormKernels#groupNorm}, {@code
     * conv2d} and an addition one after the other, without need to store what lies between.
     *
     * @param norm of the inChannels of x
     * @param residual added, as y; or {@code null}
     */
    void normSiluConv2d(
            Storage y, Storage x, Norm norm, Storage w, Storage bias, Storage residual, Conv2dShape s);

    /**
     * {@link #conv2d} of {@link #upsampleNearest2x} of x, whose height and width are half of those in {@code s}: the
     * bits of one after the other.
     */
    void upsampleConv2d(Storage y, Storage x, Storage w, Storage bias, Conv2dShape s);

    /** Gradient with respect to the input of {@link #conv2d}. */
    void conv2dBackwardInput(Storage dx, Storage dy, Storage w, Conv2dShape s);

    /** Gradient with respect to the filters, and the bias unless {@code dBias} is {@code null}. */
    void conv2dBackwardWeight(Storage dw, Storage dBias, Storage dy, Storage x, Conv2dShape s);

    /** Doubles height and width by repeating pixels; x is (planes, height, width), y (planes, 2 height, 2 width). */
    void upsampleNearest2x(Storage y, Storage x, int planes, int height, int width);

    /** Gradient of {@link #upsampleNearest2x}: sums each 2x2 block of dy. */
    void upsampleNearest2xBackward(Storage dx, Storage dy, int planes, int height, int width);
}
