package org.aimjvm.op.ssm;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.CausalConv1d;
import org.aimjvm.backend.CausalConvShape;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** The short causal convolution in front of a state-space recurrence. */
public final class CausalConv1dOp {
    private CausalConv1dOp() {}

    /**
     * {@code v_t = bias + sum over m of w[c, m] x[t - width + 1 + m, c]} for each channel c, {@code y =
     * silu(v)} or {@code v}.
     *
     * @param x (batch, L, channels)
     * @param w (channels, width), or (channels, 1, width) as in checkpoints; oldest tap first
     * @param bias (channels), or {@code null}
     * @param state (batch, channels, width), the last inputs, oldest first. Modified: left at the last inputs of this
     *     call, so that the next call continues the sequence. {@code null}: zeros before the start, nothing kept
     * @return (batch, L, channels)
     * @throws IllegalStateException with a state inside a training scope: the gradient through it would be lost
     */
    public static Tensor causalConv1d(Tensor x, Tensor w, Tensor bias, Tensor state, boolean silu) {
        String op = "causalConv1d";
        Shapes.expectRank(op, "x", x, 3);
        int batch = x.dim(0);
        int length = x.dim(1);
        int channels = x.dim(2);
        int width = w.dim(-1);
        Shapes.check(
                w.size() == channels * width && w.dim(0) == channels && (w.shape().rank() == 2 || w.shape().rank()
                        == 3),
                op,
                "weight of shape " + w.shape() + ", expected (" + channels + ", width) or (" + channels
                        + ", 1, width) for x "
                        + x.shape());
        if (bias != null) {
            Shapes.expect(op, "bias", bias, channels);
        }
        if (state != null) {
            Shapes.expect(op, "state", state, batch, channels, width);
            Shapes.expectNotTaped(op, x, w, bias);
        }
        Backend backend = x.backend();
        CausalConvShape s = new CausalConvShape(batch, length, channels, width);
        CausalConv1d.Inputs in =
                new CausalConv1d.Inputs(x.storage(), w.storage(), Shapes.storageOrNull(bias), silu);
        Tensor y = Tensor.empty(backend, x.shape());
        backend.ssm().causalConv1d(y.storage(), Shapes.storageOrNull(state), in, s);
        return Autograd.tape(
                y,
                dY -> {
                    Tensor dX = Shapes.gradientFor(x);
                    Tensor dW = Shapes.gradientFor(w);
                    Tensor dBias = Shapes.gradientFor(bias);
                    CausalConv1d.Gradients out = new CausalConv1d.Gradients(
                            Shapes.storageOrNull(dX), Shapes.storageOrNull(dW), Shapes.storageOrNull(dBias));
                    backend.ssm().causalConv1dBackward(out, dY.storage(), in, s);
                    return new Tensor[] {dX, dW, dBias};
                },
                x,
                w,
                bias);
    }
}
