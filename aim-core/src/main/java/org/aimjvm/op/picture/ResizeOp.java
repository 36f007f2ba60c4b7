package org.aimjvm.op.picture;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.ResizeShape;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** Changes of the size of pictures, without smoothing. */
public final class ResizeOp {
    private ResizeOp() {}

    /**
     * Interpolates linearly between the four nearest pixels, in F32 in the order that {@link
     * org.aimjvm.backend.PictureKernels#resizeBilinear} states.
     *
     * @param x (batch, channels, height, width)
     * @param grid how the positions of the two pictures correspond
     * @return (batch, channels, outHeight, outWidth)
     */
    public static Tensor bilinear(Tensor x, int outHeight, int outWidth, ResizeShape.Grid grid) {
        ResizeShape s = shape("resizeBilinear", x, outHeight, outWidth, grid);
        Backend backend = x.backend();
        Tensor y = Tensor.empty(backend, Shape.of(x.dim(0), x.dim(1), outHeight, outWidth));
        backend.picture().resizeBilinear(y.storage(), x.storage(), s);
        return Autograd.tape(
                y,
                dY -> {
                    Tensor dX = Tensor.empty(backend, x.shape());
                    backend.picture().resizeBilinearBackward(dX.storage(), dY.storage(), s);
                    return new Tensor[] {dX};
                },
                x);
    }

    /**
     * {@code y[i, j] = x[floor(i height / outHeight), floor(j width / outWidth)]}.
     *
     * @param x (batch, channels, height, width)
     * @return (batch, channels, outHeight, outWidth)
     */
    public static Tensor nearest(Tensor x, int outHeight, int outWidth) {
        ResizeShape s = shape("resizeNearest", x, outHeight, outWidth, ResizeShape.Grid.CORNER);
        Backend backend = x.backend();
        Tensor y = Tensor.empty(backend, Shape.of(x.dim(0), x.dim(1), outHeight, outWidth));
        backend.picture().resizeNearest(y.storage(), x.storage(), s);
        return Autograd.tape(
                y,
                dY -> {
                    Tensor dX = Tensor.empty(backend, x.shape());
                    backend.picture().resizeNearestBackward(dX.storage(), dY.storage(), s);
                    return new Tensor[] {dX};
                },
                x);
    }

    private static ResizeShape shape(String op, Tensor x, int outHeight, int outWidth, ResizeShape.Grid grid) {
        Shapes.expectRank(op, "x", x, 4);
        return new ResizeShape(x.dim(0) * x.dim(1), x.dim(2), x.dim(3), outHeight, outWidth, grid);
    }
}
