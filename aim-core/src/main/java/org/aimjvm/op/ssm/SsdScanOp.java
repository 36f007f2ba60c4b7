package org.aimjvm.op.ssm;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.SsdScan;
import org.aimjvm.backend.SsdSettings;
import org.aimjvm.backend.SsdShape;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/**
 * Mamba-2's state-space recurrence (Dao and Gu 2024, section 6). With {@code d_t = clamp(softplus(dt_t + dtBias))} and
 * {@code A = -exp(aLog)} per head:
 *
 * <pre>
 * S_t = exp(d_t A) S_{t-1} + d_t x_t B_t^T        S is (P, N)
 * y_t = S_t C_t + D x_t
 * </pre>
 *
 * <p>One definition for training, prefill and decoding: backends compute one element by the recurrence and longer
 * inputs in chunks.
 */
public final class SsdScanOp {
    private static final String OP = "ssdScan";

    private SsdScanOp() {}

    /**
     * The recurrence as a model uses it: from zero, or from a state that it overwrites.
     *
     * @param xbc (batch, L, H*P + 2*G*N), packed [x | B | C]
     * @param dt (batch, L, H), steps before bias and softplus
     * @param dtBias (H)
     * @param aLog (H)
     * @param d skip, (H) or (H, P); {@code null} for none
     * @param state (batch, H, P, N), F32 or BF16. Modified: left at the state after the last element, which in BF16 is
     *     rounded to nearest even; the result is that of the state before. {@code null}: start from zero, keep nothing
     * @return (batch, L, H*P)
     * @throws IllegalStateException with a state inside a training scope: the gradient through it would be lost; {@link
     *     #ssdScanFrom} keeps it
     */
    public static Tensor ssdScan(
            Tensor xbc, Tensor dt, Tensor dtBias, Tensor aLog, Tensor d, Tensor state, SsdSettings settings) {
        Operands in = new Operands(xbc, dt, dtBias, aLog, d, state);
        SsdShape s = in.check(settings);
        if (state != null) {
            Shapes.expectNotTaped(OP, xbc, dt, dtBias, aLog, d);
        }
        Tensor y = forward(in, state, s); // taped only without a state
        return Autograd.tape(y, dY -> backward(dY, null, in, s), xbc, dt, dtBias, aLog, d);
    }

    /**
     * The recurrence as a function: from {@code initialState} (not modified, {@code null} for zeros) to outputs and the
     * final state (batch, H, P, N), differentiable in everything. Other parameters as in {@link #ssdScan}.
     */
    public static ScanResult ssdScanFrom(
            Tensor xbc, Tensor dt, Tensor dtBias, Tensor aLog, Tensor d, Tensor initialState, SsdSettings settings) {
        Operands in = new Operands(xbc, dt, dtBias, aLog, d, initialState);
        SsdShape s = in.check(settings);
        Shapes.check(initialState == null || initialState.dtype() == DType.F32, OP,
                "initial state is BF16, expected F32 (only what models overwrite can be in fewer bits)");
        Tensor finalState = Tensor.empty(xbc.backend(), s.stateShape());
        Tensor y = forward(in, finalState, s);
        Autograd.tape(
                new Tensor[] {y, finalState},
                dOuts -> {
                    Tensor dY = dOuts[0] != null ? dOuts[0] : Tensor.zeros(y.backend(), y.shape());
                    return backward(dY, dOuts[1], in, s);
                },
                xbc, dt, dtBias, aLog, d, initialState);
        return new ScanResult(y, finalState);
    }

    private static Tensor forward(Operands in, Tensor last, SsdShape s) {
        Backend backend = in.xbc.backend();
        Tensor y = Tensor.empty(backend, in.dt.shape().withLast(s.innerDim()));
        backend.ssm().ssdScan(y.storage(), Shapes.storageOrNull(last), in.storages(), s);
        return y;
    }

    /** @param dFinal {@code null} for zeros */
    private static Tensor[] backward(Tensor dY, Tensor dFinal, Operands in, SsdShape s) {
        Backend backend = in.xbc.backend();
        Tensor dXbc = Tensor.empty(backend, in.xbc.shape());
        Tensor dDt = Tensor.empty(backend, in.dt.shape());
        Tensor dDtBias = Tensor.empty(backend, in.dtBias.shape());
        Tensor dALog = Tensor.empty(backend, in.aLog.shape());
        Tensor dD = in.d == null ? null : Tensor.empty(backend, in.d.shape());
        Tensor dInitial = Shapes.gradientFor(in.initial);
        SsdScan.Gradients out = new SsdScan.Gradients(
                dXbc.storage(), dDt.storage(), dDtBias.storage(), dALog.storage(), Shapes.storageOrNull(dD),
                Shapes.storageOrNull(dInitial));
        backend.ssm().ssdScanBackward(out, dY.storage(), Shapes.storageOrNull(dFinal), in.storages(), s);
        return new Tensor[] {dXbc, dDt, dDtBias, dALog, dD, dInitial};
    }

    /** {@link SsdScan.Inputs} as tensors; {@code d} and {@code initial} may be {@code null}. */
    private record Operands(Tensor xbc, Tensor dt, Tensor dtBias, Tensor aLog, Tensor d, Tensor initial) {
        SsdShape check(SsdSettings settings) {
            Shapes.expectRank(OP, "xbc", xbc, 3);
            int heads = settings.heads();
            boolean perChannelD = d != null && d.shape().rank() == 2;
            SsdShape s = new SsdShape(xbc.dim(0), xbc.dim(1), settings, perChannelD);
            Shapes.expect(OP, "xbc", xbc, s.batch(), s.length(), s.xbcDim());
            Shapes.expect(OP, "dt", dt, s.batch(), s.length(), heads);
            Shapes.expect(OP, "dtBias", dtBias, heads);
            Shapes.expect(OP, "aLog", aLog, heads);
            if (perChannelD) {
                Shapes.expect(OP, "d", d, heads, s.headDim());
            } else if (d != null) {
                Shapes.expect(OP, "d", d, heads);
            }
            if (initial != null) {
                Shapes.expect(OP, "state", initial, s.stateShape());
            }
            return s;
        }

        SsdScan.Inputs storages() {
            return new SsdScan.Inputs(
                    xbc.storage(), dt.storage(), dtBias.storage(), aLog.storage(), Shapes.storageOrNull(d),
                    Shapes.storageOrNull(initial));
        }
    }
}
