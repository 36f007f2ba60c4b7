package org.aimjvm.nn;

import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.PointwiseOp;
import org.aimjvm.op.elementwise.SplitOp;
import org.aimjvm.tensor.Tensor;

/** {@code a, b = split(fc1 x); y = fc2(a * silu(b))}, without biases; hidden size rounded up to a multiple of 128. */
public final class GatedMlp {
    private final Linear fc1;
    private final Linear fc2;
    private final int hidden;

    /** @param outDivisor divides the initial {@code fc2} weights: sqrt(number of layers) */
    public GatedMlp(Params params, int dim, int intermediate, double outDivisor) {
        this.hidden = (intermediate + 127) / 128 * 128;
        this.fc1 = new Linear(params.sub("fc1"), dim, 2 * hidden, false);
        this.fc2 = new Linear(params.sub("fc2"), hidden, dim, false, Init.scaled(Init.fanIn(hidden), outDivisor));
    }

    /** x (..., dim) to (..., dim). */
    public Tensor forward(Tensor x) {
        Tensor[] ab = SplitOp.split(fc1.forward(x), hidden, hidden);
        return fc2.forward(ArithmeticOp.mul(ab[0], PointwiseOp.silu(ab[1])));
    }
}
