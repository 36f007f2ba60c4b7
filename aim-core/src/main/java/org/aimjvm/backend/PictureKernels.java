package org.aimjvm.backend;

/** Pooling, resizing and moving of pictures, NCHW; a plane is a channel of a picture. */
public interface PictureKernels {

    /** {@code y = max of x over the window}, padding left out; NaN if the window holds one. */
    void maxPool2d(Storage y, Storage x, Pool2dShape s);

    /** Gradient of {@link #maxPool2d}: goes to the first greatest element of each window, row by row. */
    void maxPool2dBackward(Storage dx, Storage dy, Storage x, Pool2dShape s);

    /**
     * {@code y = sum of x over the window / n}, summed in F32: each column of the window over its rows, then the columns.
     *
     * @param countPadding whether n is the size of the window, else the number of its pixels inside the picture
     */
    void avgPool2d(Storage y, Storage x, Pool2dShape s, boolean countPadding);

    /** Gradient of {@link #avgPool2d}. */
    void avgPool2dBackward(Storage dx, Storage dy, Pool2dShape s, boolean countPadding);

    /**
     * Bilinear interpolation between the four neighbours a b over c d of a position, in F32 and in this order: {@code
     * top = a + (b - a) share_x, bottom = c + (d - c) share_x, y = top + (bottom - top) share_y}.
     */
    void resizeBilinear(Storage y, Storage x, ResizeShape s);

    /** Gradient of {@link #resizeBilinear}. */
    void resizeBilinearBackward(Storage dx, Storage dy, ResizeShape s);

    /** {@code y[i, j] = x[floor(i height / outHeight), floor(j width / outWidth)]}; the grid does not matter. */
    void resizeNearest(Storage y, Storage x, ResizeShape s);

    /** Gradient of {@link #resizeNearest}. */
    void resizeNearestBackward(Storage dx, Storage dy, ResizeShape s);

    /**
     * {@code y[n, c, i, j] = x[n, c, i - down[n], j - right[n]]}, zero where that is outside.
     *
     * @param offsets I32 (batch, 2): rows down and columns to the right, of each picture
     * @param sign 1, or -1 for the opposite directions, which is the gradient
     */
    void shift(Storage y, Storage x, Storage offsets, int sign, int batch, int channels, int height, int width);
}
