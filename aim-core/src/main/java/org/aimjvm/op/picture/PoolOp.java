package org.aimjvm.op.picture;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Pool2dShape;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** Greatest or mean values of windows of pictures. */
public final class PoolOp {
    private PoolOp() {}

    /**
     * A window that is moved over pictures. Windows that do not fit at the end are left out, as in every framework's
     * default.
     *
     * @param height rows
     * @param width columns
     * @param strideHeight rows from one window to the next
     * @param strideWidth columns from one window to the next
     * @param padHeight rows of the first window above the picture, at most half of the window
     * @param padWidth columns of the first window left of the picture, at most half of the window
     */
    public record Window(int height, int width, int strideHeight, int strideWidth, int padHeight, int padWidth) {
        /** A square window with the same stride and padding in both directions. */
        public static Window square(int side, int stride, int pad) {
            return new Window(side, side, stride, stride, pad, pad);
        }

        Pool2dShape over(String op, Tensor x) {
            Shapes.expectRank(op, "x", x, 4);
            return new Pool2dShape(
                    x.dim(0) * x.dim(1), x.dim(2), x.dim(3), height, width, strideHeight, strideWidth, padHeight,
                    padWidth);
        }
    }

    /**
     * The greatest value of each window; padding never is. The gradient goes to the first greatest, row by row.
     *
     * @param x (batch, channels, height, width)
     * @return (batch, channels, outHeight, outWidth), {@code out = floor((in + 2 pad - window) / stride) + 1}
     */
    public static Tensor maxPool2d(Tensor x, Window window) {
        Pool2dShape s = window.over("maxPool2d", x);
        Backend backend = x.backend();
        Tensor y = Tensor.empty(backend, Shape.of(x.dim(0), x.dim(1), s.outHeight(), s.outWidth()));
        backend.picture().maxPool2d(y.storage(), x.storage(), s);
        return Autograd.tape(
                y,
                dY -> {
                    Tensor dX = Tensor.empty(backend, x.shape());
                    backend.picture().maxPool2dBackward(dX.storage(), dY.storage(), x.storage(), s);
                    return new Tensor[] {dX};
                },
                x);
    }

    /**
     * The mean value of each window.
     *
     * @param x (batch, channels, height, width)
     * @param countPadding whether padding counts, as zeros; else the mean is over the pixels inside the picture
     * @return as {@link #maxPool2d}
     */
    public static Tensor avgPool2d(Tensor x, Window window, boolean countPadding) {
        Pool2dShape s = window.over("avgPool2d", x);
        Backend backend = x.backend();
        Tensor y = Tensor.empty(backend, Shape.of(x.dim(0), x.dim(1), s.outHeight(), s.outWidth()));
        backend.picture().avgPool2d(y.storage(), x.storage(), s, countPadding);
        return Autograd.tape(
                y,
                dY -> {
                    Tensor dX = Tensor.empty(backend, x.shape());
                    backend.picture().avgPool2dBackward(dX.storage(), dY.storage(), s, countPadding);
                    return new Tensor[] {dX};
                },
                x);
    }
}
