package org.aimjvm.op.conv;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Conv2dShape;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** Two-dimensional convolution over NCHW. */
public final class Conv2dOp {
    private Conv2dOp() {}

    /**
     * {@code y[n, o, i, j] = bias[o] + sum over c, u, v of w[o, c, u, v] x[n, c, i stride + u - padTop, j stride + v -
     * padLeft]}, with zeros outside the picture.
     *
     * @param x (batch, inChannels, height, width)
     * @param w (outChannels, inChannels, kernelHeight, kernelWidth)
     * @param bias (outChannels), or {@code null}
     * @return (batch, outChannels, outHeight, outWidth)
     */
    public static Tensor conv2d(
            Tensor x, Tensor w, Tensor bias, int stride, int padTop, int padLeft, int padBottom, int padRight) {
        Conv2dShape s = shape(x, w, bias, stride, padTop, padLeft, padBottom, padRight);
        Backend backend = x.backend();
        Tensor y = Tensor.empty(backend, Shape.of(x.dim(0), w.dim(0), s.outHeight(), s.outWidth()));
        backend.conv().conv2d(y.storage(), x.storage(), w.storage(), Shapes.storageOrNull(bias), s);
        return Autograd.tape(
                y,
                dY -> {
                    Tensor dX = Shapes.gradientFor(x);
                    Tensor dW = Shapes.gradientFor(w);
                    Tensor dBias = Shapes.gradientFor(bias);
                    if (dX != null) {
                        backend.conv().conv2dBackwardInput(dX.storage(), dY.storage(), w.storage(), s);
                    }
                    if (dW != null) {
                        backend.conv()
                                .conv2dBackwardWeight(dW.storage(), Shapes.storageOrNull(dBias), dY.storage(),
                                        x.storage(), s);
                    }
                    return new Tensor[] {dX, dW, dBias};
                },
                x,
                w,
                bias);
    }

    static Conv2dShape shape(
            Tensor x, Tensor w, Tensor bias, int stride, int padTop, int padLeft, int padBottom, int padRight) {
        Shapes.expectRank("conv2d", "x", x, 4);
        Shapes.expectRank("conv2d", "weight", w, 4);
        Shapes.check(
                w.dim(1) == x.dim(1), "conv2d",
                "x of shape " + x.shape() + ", expected " + w.dim(1) + " channels for weight " + w.shape());
        if (bias != null) {
            Shapes.expect("conv2d", "bias", bias, w.dim(0));
        }
        return new Conv2dShape(
                x.dim(0), x.dim(1), x.dim(2), x.dim(3), w.dim(0), w.dim(2), w.dim(3), stride,
                new Conv2dShape.Padding(padTop, padLeft, padBottom, padRight));
    }
}
