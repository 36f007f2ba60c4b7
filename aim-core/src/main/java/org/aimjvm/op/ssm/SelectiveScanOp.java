package org.aimjvm.op.ssm;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/**
 * Mamba-1's selective scan (Gu and Dao 2023, algorithm 2). With {@code d_t = softplus(delta_t + deltaBias)} and {@code
 * A = -exp(aLog)}, per channel c and state n:
 *
 * <pre>
 * S_t[c,n] = exp(d_t[c] A[c,n]) S_{t-1}[c,n] + d_t[c] B_t[n] x_t[c]
 * y_t[c]   = sum over n of S_t[c,n] C_t[n] + D[c] x_t[c]
 * </pre>
 */
public final class SelectiveScanOp {
    private static final String OP = "selectiveScan";

    private SelectiveScanOp() {}

    /**
     * The scan as a model uses it: from zero, or from a state that it overwrites.
     *
     * @param x (batch, L, channels)
     * @param delta (batch, L, channels), steps before bias and softplus
     * @param deltaBias (channels), or {@code null}
     * @param aLog (channels, N)
     * @param b (batch, L, N)
     * @param c (batch, L, N)
     * @param d skip, (channels), or {@code null}
     * @param state (batch, channels, N). Modified: left at the state after the last element. {@code null}: start from
     *     zero, keep nothing
     * @return (batch, L, channels)
     * @throws IllegalStateException with a state inside a training scope: the gradient through it would be lost; {@link
     *     #selectiveScanFrom} keeps it
     */
    public static Tensor selectiveScan(
            Tensor x, Tensor delta, Tensor deltaBias, Tensor aLog, Tensor b, Tensor c, Tensor d, Tensor state) {
        check(x, delta, deltaBias, aLog, b, c, d, state);
        if (state != null) {
            Shapes.expectNotTaped(OP, x, delta, deltaBias, aLog, b, c, d);
        }
        Tensor y = forward(x, delta, deltaBias, aLog, b, c, d, state, state);
        return Autograd.tape(
                y,
                dY -> backward(dY, null, x, delta, deltaBias, aLog, b, c, d, null),
                x,
                delta,
                deltaBias,
                aLog,
                b,
                c,
                d);
    }

    /**
     * The scan as a function: from {@code initialState} (not modified, {@code null} for zeros) to outputs and the final
     * state (batch, channels, N), differentiable in everything. Other parameters as in {@link #selectiveScan}.
     */
    public static ScanResult selectiveScanFrom(
            Tensor x, Tensor delta, Tensor deltaBias, Tensor aLog, Tensor b, Tensor c, Tensor d, Tensor initialState) {
        check(x, delta, deltaBias, aLog, b, c, d, initialState);
        Tensor finalState = Tensor.empty(x.backend(), Shape.of(x.dim(0), x.dim(2), aLog.dim(1)));
        Tensor y = forward(x, delta, deltaBias, aLog, b, c, d, initialState, finalState);
        Autograd.tape(
                new Tensor[] {y, finalState},
                dOuts -> {
                    Tensor dY = dOuts[0] != null ? dOuts[0] : Tensor.zeros(y.backend(), y.shape());
                    return backward(dY, dOuts[1], x, delta, deltaBias, aLog, b, c, d, initialState);
                },
                x,
                delta,
                deltaBias,
                aLog,
                b,
                c,
                d,
                initialState);
        return new ScanResult(y, finalState);
    }

    private static Tensor forward(
            Tensor x,
            Tensor delta,
            Tensor deltaBias,
            Tensor aLog,
            Tensor b,
            Tensor c,
            Tensor d,
            Tensor initial,
            Tensor last) {
        Tensor y = Tensor.empty(x.backend(), x.shape());
        x.backend()
                .ssm()
                .selectiveScan(
                        y.storage(), Shapes.storageOrNull(last), x.storage(), delta.storage(), Shapes.storageOrNull(
                                deltaBias),
                        aLog.storage(), b.storage(), c.storage(), Shapes.storageOrNull(d), Shapes.storageOrNull(
                                initial),
                        x.dim(0), x.dim(1), x.dim(2), aLog.dim(1));
        return y;
    }

    private static Tensor[] backward(
            Tensor dY,
            Tensor dFinal,
            Tensor x,
            Tensor delta,
            Tensor deltaBias,
            Tensor aLog,
            Tensor b,
            Tensor c,
            Tensor d,
            Tensor initial) {
        Backend backend = x.backend();
        Tensor[] inputs = {x, delta, deltaBias, aLog, b, c, d, initial};
        Tensor[] grads = new Tensor[inputs.length];
        for (int i = 0; i < inputs.length; i++) {
            grads[i] = Shapes.gradientFor(inputs[i]);
        }
        backend.ssm()
                .selectiveScanBackward(
                        Shapes.storageOrNull(grads[0]), Shapes.storageOrNull(grads[1]), Shapes.storageOrNull(grads[2]),
                        Shapes.storageOrNull(grads[3]), Shapes.storageOrNull(grads[4]), Shapes.storageOrNull(grads[5]),
                        Shapes.storageOrNull(grads[6]), Shapes.storageOrNull(grads[7]),
                        dY.storage(), Shapes.storageOrNull(dFinal), x.storage(), delta.storage(),
                        Shapes.storageOrNull(deltaBias), aLog.storage(), b.storage(), c.storage(), Shapes.storageOrNull(
                                d),
                        Shapes.storageOrNull(initial), x.dim(0), x.dim(1), x.dim(2), aLog.dim(1));
        return grads;
    }

    private static void check(
            Tensor x, Tensor delta, Tensor deltaBias, Tensor aLog, Tensor b, Tensor c, Tensor d, Tensor state) {
        Shapes.expectRank(OP, "x", x, 3);
        Shapes.expectRank(OP, "aLog", aLog, 2);
        int batch = x.dim(0);
        int length = x.dim(1);
        int channels = x.dim(2);
        int dState = aLog.dim(1);
        Shapes.expect(OP, "delta", delta, x.shape());
        Shapes.expect(OP, "aLog", aLog, channels, dState);
        Shapes.expect(OP, "b", b, batch, length, dState);
        Shapes.expect(OP, "c", c, batch, length, dState);
        if (deltaBias != null) {
            Shapes.expect(OP, "deltaBias", deltaBias, channels);
        }
        if (d != null) {
            Shapes.expect(OP, "d", d, channels);
        }
        if (state != null) {
            Shapes.expect(OP, "state", state, batch, channels, dState);
        }
    }
}
