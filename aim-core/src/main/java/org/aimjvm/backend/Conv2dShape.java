package org.aimjvm.backend;

/**
 * Sizes of a two-dimensional convolution over NCHW with square stride and explicit zero padding on each side.
 */
public record Conv2dShape(
        int batch,
        int inChannels,
        int inHeight,
        int inWidth,
        int outChannels,
        int kernelHeight,
        int kernelWidth,
        int stride,
        int padTop,
        int padLeft,
        int padBottom,
        int padRight) {

    /** @throws IllegalArgumentException if the padded picture is smaller than the kernel or a size is not positive */
    public Conv2dShape {
        if (batch < 0 || inChannels < 1 || outChannels < 1 || kernelHeight < 1 || kernelWidth < 1 || stride < 1) {
            throw new IllegalArgumentException("conv2d: batch " + batch + ", channels " + inChannels + " -> "
                    + outChannels
                    + ", kernel " + kernelHeight + "x" + kernelWidth + ", stride " + stride
                    + " (expected positive sizes)");
        }
        if (inHeight + padTop + padBottom < kernelHeight || inWidth + padLeft + padRight < kernelWidth) {
            throw new IllegalArgumentException("conv2d: padded input " + (inHeight + padTop + padBottom) + "x"
                    + (inWidth + padLeft + padRight) + " (expected at least the kernel, " + kernelHeight + "x"
                    + kernelWidth
                    + ")");
        }
    }

    /** Rows of the output. */
    public int outHeight() {
        return (inHeight + padTop + padBottom - kernelHeight) / stride + 1;
    }

    /** Columns of the output. */
    public int outWidth() {
        return (inWidth + padLeft + padRight - kernelWidth) / stride + 1;
    }

    /** Elements of one filter: the depth of the convolution seen as a matrix product. */
    public int filterSize() {
        return inChannels * kernelHeight * kernelWidth;
    }
}
