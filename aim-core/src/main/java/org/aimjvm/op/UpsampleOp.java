package org.aimjvm.op;

import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Backend;
import org.aimjvm.tensor.Shape;
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
        return Autograd.record(
                y,
                dY -> {
                    Tensor dX = Tensor.empty(backend, x.shape());
                    backend.conv().upsampleNearest2xBackward(dX.storage(), dY.storage(), planes, height, width);
                    return new Tensor[] {dX};
                },
                x);
    }
}
