package org.aimjvm.backend;

/**
 * Sizes of a pooling over planes (batch x channels, height, width): windows of {@code kernelHeight x kernelWidth}
 * pixels, {@code strideHeight} and {@code strideWidth} apart, the first {@code padHeight} rows and {@code padWidth}
 * columns outside the picture. A window that does not fit at the end is left out.
 *
 * @param planes pictures times channels
 */
public record Pool2dShape(
        int planes, int height, int width, int kernelHeight, int kernelWidth, int strideHeight, int strideWidth,
        int padHeight, int padWidth) {
    private static final int MAX_KERNEL = 1 << 24;

    /**
     * @throws IllegalArgumentException if a size is not positive, the padded picture is smaller than the window, a
     *     window could lie in the padding as a whole, or its pixels are more than 2^24
     */
    public Pool2dShape {
        if (planes < 0 || height < 1 || width < 1 || kernelHeight < 1 || kernelWidth < 1 || strideHeight < 1
                || strideWidth < 1) {
            throw new IllegalArgumentException("pool2d: " + planes + " planes of " + height + "x" + width + ", kernel "
                    + kernelHeight + "x" + kernelWidth + ", stride " + strideHeight + "x" + strideWidth
                    + " (expected positive sizes)");
        }
        if ((long) kernelHeight * kernelWidth > MAX_KERNEL) {
            throw new IllegalArgumentException("pool2d: kernel " + kernelHeight + "x" + kernelWidth
                    + " (expected at most 2^24 pixels, which F32 still counts exactly)");
        }
        if (padHeight < 0 || padWidth < 0 || padHeight > kernelHeight / 2 || padWidth > kernelWidth / 2) {
            throw new IllegalArgumentException("pool2d: padding " + padHeight + "x" + padWidth
                    + " (expected 0 to half of the kernel " + kernelHeight + "x" + kernelWidth + ")");
        }
        if (height < kernelHeight - 2 * padHeight || width < kernelWidth - 2 * padWidth) {
            throw new IllegalArgumentException(
                    "pool2d: picture " + height + "x" + width + ", padding " + padHeight + "x"
                            + padWidth + " (expected at least the kernel, " + kernelHeight + "x" + kernelWidth
                            + ", with the padding on both sides)");
        }
    }

    /** Rows of the output. */
    public int outHeight() {
        return (height - (kernelHeight - 2 * padHeight)) / strideHeight + 1;
    }

    /** Columns of the output. */
    public int outWidth() {
        return (width - (kernelWidth - 2 * padWidth)) / strideWidth + 1;
    }

    /** The first row of the picture in the windows of an output row. */
    public int firstRow(int outRow) {
        return Math.max(0, outRow * strideHeight - padHeight);
    }

    /** The row after the last one of the picture in the windows of an output row. */
    public int endRow(int outRow) {
        return Math.min(height, outRow * strideHeight - padHeight + kernelHeight);
    }

    /** The first column of the picture in the windows of an output column. */
    public int firstColumn(int outColumn) {
        return Math.max(0, outColumn * strideWidth - padWidth);
    }

    /** The column after the last one of the picture in the windows of an output column. */
    public int endColumn(int outColumn) {
        return Math.min(width, outColumn * strideWidth - padWidth + kernelWidth);
    }

    /**
     * What the sum over a window is divided by.
     *
     * @param countPadding whether the padding counts, as zeros
     */
    public int divisor(int outRow, int outColumn, boolean countPadding) {
        if (countPadding) {
            return kernelHeight * kernelWidth;
        }
        return (endRow(outRow) - firstRow(outRow)) * (endColumn(outColumn) - firstColumn(outColumn));
    }
}
