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
        Padding padding) {

    /** Zeros around a picture. */
    public record Padding(int top, int left, int bottom, int right) {
        /** As many on all sides. */
        public static Padding even(int pad) {
            return new Padding(pad, pad, pad, pad);
        }
    }

    /** @throws IllegalArgumentException if the padded picture is smaller than the kernel or a size is not positive */
    public Conv2dShape {
        if (batch < 0 || inChannels < 1 || outChannels < 1 || kernelHeight < 1 || kernelWidth < 1 || stride < 1) {
            throw new IllegalArgumentException("conv2d: batch " + batch + ", channels " + inChannels + " -> "
                    + outChannels
                    + ", kernel " + kernelHeight + "x" + kernelWidth + ", stride " + stride
                    + " (expected positive sizes)");
        }
        int paddedHeight = inHeight + padding.top() + padding.bottom();
        int paddedWidth = inWidth + padding.left() + padding.right();
        if (paddedHeight < kernelHeight || paddedWidth < kernelWidth) {
            throw new IllegalArgumentException("conv2d: padded input " + paddedHeight + "x" + paddedWidth
                    + " (expected at least the kernel, " + kernelHeight + "x"
                    + kernelWidth
                    + ")");
        }
    }

    public int padTop() {
        return padding.top();
    }

    public int padLeft() {
        return padding.left();
    }

    public int padBottom() {
        return padding.bottom();
    }

    public int padRight() {
        return padding.right();
    }

    /** Rows of the output. */
    public int outHeight() {
        return (inHeight + padTop() + padBottom() - kernelHeight) / stride + 1;
    }

    /** Columns of the output. */
    public int outWidth() {
        return (inWidth + padLeft() + padRight() - kernelWidth) / stride + 1;
    }

    /** Elements of one filter: the depth of the convolution seen as a matrix product. */
    public int filterSize() {
        return inChannels * kernelHeight * kernelWidth;
    }
}
