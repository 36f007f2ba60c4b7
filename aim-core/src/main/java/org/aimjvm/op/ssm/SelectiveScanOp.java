package org.aimjvm.op.ssm;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.SelectiveScan;
import org.aimjvm.backend.SelectiveShape;
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
        Operands in = new Operands(x, delta, deltaBias, aLog, b, c, d, state);
        SelectiveShape s = in.check();
        if (state != null) {
            Shapes.expectNotTaped(OP, x, delta, deltaBias, aLog, b, c, d);
        }
        Tensor y = forward(in, state, s); // taped only without a state
        return Autograd.tape(y, dY -> backward(dY, null, in, s), x, delta, deltaBias, aLog, b, c, d);
    }

    /**
     * The scan as a function: from {@code initialState} (not modified, {@code null} for zeros) to outputs and the final
     * state (batch, channels, N), differentiable in everything. Other parameters as in {@link #selectiveScan}.
     */
    public static ScanResult selectiveScanFrom(
            Tensor x, Tensor delta, Tensor deltaBias, Tensor aLog, Tensor b, Tensor c, Tensor d, Tensor initialState) {
        Operands in = new Operands(x, delta, deltaBias, aLog, b, c, d, initialState);
        SelectiveShape s = in.check();
        Tensor finalState = Tensor.empty(x.backend(), Shape.of(s.batch(), s.channels(), s.dState()));
        Tensor y = forward(in, finalState, s);
        Autograd.tape(
                new Tensor[] {y, finalState},
                dOuts -> {
                    Tensor dY = dOuts[0] != null ? dOuts[0] : Tensor.zeros(y.backend(), y.shape());
                    return backward(dY, dOuts[1], in, s);
                },
                x, delta, deltaBias, aLog, b, c, d, initialState);
        return new ScanResult(y, finalState);
    }

    private static Tensor forward(Operands in, Tensor last, SelectiveShape s) {
        Backend backend = in.x.backend();
        Tensor y = Tensor.empty(backend, in.x.shape());
        backend.ssm().selectiveScan(y.storage(), Shapes.storageOrNull(last), in.storages(), s);
        return y;
    }

    /** @param dFinal {@code null} for zeros */
    private static Tensor[] backward(Tensor dY, Tensor dFinal, Operands in, SelectiveShape s) {
        Tensor dX = Shapes.gradientFor(in.x);
        Tensor dDelta = Shapes.gradientFor(in.delta);
        Tensor dDeltaBias = Shapes.gradientFor(in.deltaBias);
        Tensor dALog = Shapes.gradientFor(in.aLog);
        Tensor dB = Shapes.gradientFor(in.b);
        Tensor dC = Shapes.gradientFor(in.c);
        Tensor dD = Shapes.gradientFor(in.d);
        Tensor dInitial = Shapes.gradientFor(in.initial);
        SelectiveScan.Gradients out = new SelectiveScan.Gradients(
                Shapes.storageOrNull(dX), Shapes.storageOrNull(dDelta), Shapes.storageOrNull(dDeltaBias),
                Shapes.storageOrNull(dALog), Shapes.storageOrNull(dB), Shapes.storageOrNull(dC),
                Shapes.storageOrNull(dD), Shapes.storageOrNull(dInitial));
        in.x.backend()
                .ssm()
                .selectiveScanBackward(out, dY.storage(), Shapes.storageOrNull(dFinal), in.storages(), s);
        return new Tensor[] {dX, dDelta, dDeltaBias, dALog, dB, dC, dD, dInitial};
    }

    /**
     * {@link SelectiveScan.Inputs} as tensors; {@code deltaBias}, {@code d} and {@code initial} may be {@code null}.
     */
    private record Operands(
            Tensor x, Tensor delta, Tensor deltaBias, Tensor aLog, Tensor b, Tensor c, Tensor d, Tensor initial) {

        SelectiveShape check() {
            Shapes.expectRank(OP, "x", x, 3);
            Shapes.expectRank(OP, "aLog", aLog, 2);
            SelectiveShape s = new SelectiveShape(x.dim(0), x.dim(1), x.dim(2), aLog.dim(1));
            Shapes.expect(OP, "delta", delta, x.shape());
            Shapes.expect(OP, "aLog", aLog, s.channels(), s.dState());
            Shapes.expect(OP, "b", b, s.batch(), s.length(), s.dState());
            Shapes.expect(OP, "c", c, s.batch(), s.length(), s.dState());
            if (deltaBias != null) {
                Shapes.expect(OP, "deltaBias", deltaBias, s.channels());
            }
            if (d != null) {
                Shapes.expect(OP, "d", d, s.channels());
            }
            if (initial != null) {
                Shapes.expect(OP, "state", initial, s.batch(), s.channels(), s.dState());
            }
            return s;
        }

        SelectiveScan.Inputs storages() {
            return new SelectiveScan.Inputs(
                    x.storage(), delta.storage(), Shapes.storageOrNull(deltaBias), aLog.storage(), b.storage(),
                    c.storage(), Shapes.storageOrNull(d), Shapes.storageOrNull(initial));
        }
    }
}
