package org.aimjvm.op.picture;

import org.aimjvm.backend.Backend;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** Moves each picture by whole pixels. */
public final class ShiftOp {
    private ShiftOp() {}

    /**
     * {@code y[n, c, i, j] = x[n, c, i - offsets[n, 0], j - offsets[n, 1]]}, zero where that is outside the picture.
     *
     * @param x (batch, channels, height, width)
     * @param offsets I32 (batch, 2): rows down and columns to the right, of each picture
     * @return as x
     */
    public static Tensor shift(Tensor x, Tensor offsets) {
        Shapes.expectRank("shift", "x", x, 4);
        Shapes.expectInts("shift", "offsets", offsets);
        Shapes.expect("shift", "offsets", offsets, x.dim(0), 2);
        Tensor y = moved(x, offsets, 1);
        return Autograd.tape(y, dY -> new Tensor[] {moved(dY, offsets, -1)}, x);
    }

    private static Tensor moved(Tensor x, Tensor offsets, int sign) {
        Backend backend = x.backend();
        Tensor y = Tensor.empty(backend, x.shape());
        backend.picture()
                .shift(
                        y.storage(), x.storage(), offsets.storage(), sign, x.dim(0), x.dim(1), x.dim(2), x.dim(3));
        return y;
    }
}
