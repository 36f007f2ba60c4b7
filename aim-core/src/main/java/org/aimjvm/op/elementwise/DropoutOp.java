package org.aimjvm.op.elementwise;

import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** Inverted dropout. */
public final class DropoutOp {
    private DropoutOp() {}

    /**
     * Zeroes elements with probability {@code p} and divides the others by {@code 1 - p}; the mask is a function of
     * {@code seed} alone. With {@code p = 0} returns {@code x} itself.
     *
     * @throws IllegalArgumentException unless 0 &lt;= p &lt; 1
     */
    public static Tensor dropout(Tensor x, float p, long seed) {
        Shapes.check(p >= 0 && p < 1, "dropout", "p " + p + " (expected 0 <= p < 1)");
        if (p == 0) {
            return x;
        }
        return Autograd.tape(masked(x, p, seed), dY -> new Tensor[] {masked(dY, p, seed)}, x);
    }

    private static Tensor masked(Tensor x, float p, long seed) {
        Tensor y = Tensor.empty(x.backend(), x.shape());
        x.backend().elementwise().dropout(y.storage(), x.storage(), p, seed, x.size());
        return y;
    }
}
