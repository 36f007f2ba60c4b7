package org.aimjvm.op.conv;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Conv2dShape;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/** Nearest-neighbour upsampling. */
public final class UpsampleOp {
    private UpsampleOp() {}

    /** Each pixel becomes a 2x2 block: (batch, channels, height, width) to (batch, channels, 2 height, 2 width). */
    public static Tensor upsampleNearest2x(Tensor x) {
        Shapes.expectRank("upsampleNearest2x", "x", x, 4);
        Backend backend = x.backend();
        int planes = x.dim(0) * x.dim(1);
        int height = x.dim(2);
        int width = x.dim(3);
        Tensor y = Tensor.empty(backend, Shape.of(x.dim(0), x.dim(1), 2 * height, 2 * width));
        backend.conv().upsampleNearest2x(y.storage(), x.storage(), planes, height, width);
        return Autograd.tape(
                y,
                dY -> {
                    Tensor dX = Tensor.empty(backend, x.shape());
                    backend.conv().upsampleNearest2xBackward(dX.storage(), dY.storage(), planes, height, width);
                    return new Tensor[] {dX};
                },
                x);
    }

    /**
     * {@link Conv2dOp#conv2d} of {@link #upsampleNearest2x}, stride 1, equal padding on all sides. Where no gradient is
     * tracked one kernel computes it and the larger picture is never stored; a gradient needs that picture, so a
     * training scope gets the two operations, which have the same bits.
     *
     * @param x (batch, inChannels, height, width)
     * @param w (outChannels, inChannels, kernelHeight, kernelWidth)
     * @param bias (outChannels), or {@code null}
     * @return (batch, outChannels, outHeight, outWidth)
     */
    public static Tensor upsampleConv2d(Tensor x, Tensor w, Tensor bias, int pad) {
        if (Scope.tracksGradients()) {
            return Conv2dOp.conv2d(upsampleNearest2x(x), w, bias, 1, pad, pad, pad, pad);
        }
        Conv2dShape of = Conv2dOp.shape(x, w, bias, 1, pad, pad, pad, pad);
        Conv2dShape s = new Conv2dShape(
                of.batch(), of.inChannels(), 2 * of.inHeight(), 2 * of.inWidth(), of.outChannels(), of.kernelHeight(),
                of.kernelWidth(), 1, of.padding());
        Tensor y = Tensor.empty(x.backend(), Shape.of(s.batch(), s.outChannels(), s.outHeight(), s.outWidth()));
        x.backend().conv().upsampleConv2d(y.storage(), x.storage(), w.storage(), Shapes.storageOrNull(bias), s);
        return y;
    }
}
