package org.aimjvm.op.ssm;

import static org.aimjvm.op.Shapes.storageOrNull;

import java.util.Optional;
import java.util.stream.IntStream;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.FusedKernels;
import org.aimjvm.op.Shapes;
import org.aimjvm.op.elementwise.SplitOp;
import org.aimjvm.op.gemm.LinearOp;
import org.aimjvm.op.norm.NormedSum;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/**
 * In-projection, split and causal convolution of a Mamba mixer: a linear layer whose output is cut in pieces, one of
 * which is convolved. A device with {@link Backend#fused} does one element of a few sequences in one launch instead of
 * three; all else is the operations one by one, which have the same bits. The norm before the layer is done with it
 * where the device has {@link FusedKernels#takesNormedLinear a kernel for that}.
 */
public final class LinearConvOp {
    private LinearConvOp() {}

    /**
     * {@code [y_0 | y_1 | ...] = u W^T + bias}, then {@code y_i = causalConv1d(y_i)} for one {@code i}.
     *
     * @param u (batch, L, in)
     * @param w (sum of sizes, in)
     * @param bias (sum of sizes), or {@code null}
     * @param sizes columns of the pieces
     * @param convolved index of the piece that is convolved
     * @param convWeight (channels, width), or (channels, 1, width), of {@link CausalConv1dOp#causalConv1d}
     * @param convBias (channels), or {@code null}
     * @param state (batch, channels, width), or {@code null}. Modified
     * @param silu whether silu follows the convolution
     * @return the pieces, (batch, L, size) each
     * @throws IllegalStateException with a state inside a training scope: the gradient through it would be lost
     */
    public static Tensor[] linearConv(
            NormedSum u, Tensor w, Tensor bias, int[] sizes, int convolved, Tensor convWeight, Tensor convBias,
            Tensor state, boolean silu) {
        Optional<FusedKernels> fused = w.backend().fused();
        if (fused.isPresent() && !Scope.tracksGradients() && state != null && state.shape().rank() == 3
                && convolved <= 1 && sizes.length <= convolved + 2
                && fused.get().takesLinearConv(state.dim(0), convWeight.dim(-1))) {
            NormedSum.Pending sum = u.pending();
            boolean withNorm = sum != null
                    && fused.get().takesNormedLinear(w.storage(), state.dim(0), sum.branch().dim(-1), 1);
            Tensor x = withNorm ? sum.branch() : u.normed(); // of the same shape
            if (x.shape().rank() == 3 && x.dim(1) == 1) {
                checkFused(x, w, bias, sizes, convolved, convWeight, convBias, state);
                FusedKernels.ConvLayer layer = new FusedKernels.ConvLayer(
                        w.storage(), storageOrNull(bias), convWeight.storage(), storageOrNull(convBias), silu);
                return fused(fused.get(), x, withNorm ? u : null, layer, sizes, convolved, state);
            }
        }
        Tensor[] parts = SplitOp.split(LinearOp.linear(u.normed(), w, bias), sizes);
        parts[convolved] = CausalConv1dOp.causalConv1d(parts[convolved], convWeight, convBias, state, silu);
        return parts;
    }

    private static void checkFused(
            Tensor x, Tensor w, Tensor bias, int[] sizes, int convolved, Tensor convWeight, Tensor convBias,
            Tensor state) {
        String op = "linearConv";
        int width = convWeight.dim(-1);
        int channels = sizes[convolved];
        int out = IntStream.of(sizes).sum();
        Shapes.expect(op, "weight", w, out, x.dim(2));
        if (bias != null) {
            Shapes.expect(op, "bias", bias, out);
        }
        Shapes.check(
                convWeight.dim(0) == channels && convWeight.size() == channels * width, op,
                "convolution's weight of shape " + convWeight.shape() + ", expected (" + channels + ", width) or ("
                        + channels + ", 1, width)");
        if (convBias != null) {
            Shapes.expect(op, "convolution's bias", convBias, channels);
        }
        Shapes.expect(op, "state", state, x.dim(0), channels, width);
    }

    /** @param sum computed with it, of the shape of {@code x}; {@code null}: {@code x} is the layer's input */
    private static Tensor[] fused(
            FusedKernels kernels, Tensor x, NormedSum sum, FusedKernels.ConvLayer layer, int[] sizes, int convolved,
            Tensor state) {
        int batch = x.dim(0);
        int in = x.dim(2);
        Tensor[] parts = new Tensor[sizes.length];
        for (int i = 0; i < sizes.length; i++) {
            parts[i] = Tensor.empty(x.backend(), x.shape().withLast(sizes[i]));
        }
        boolean hasBefore = convolved > 0;
        boolean hasAfter = convolved + 1 < sizes.length;
        FusedKernels.Pieces y = new FusedKernels.Pieces(
                hasBefore ? parts[0].storage() : null, parts[convolved].storage(),
                hasAfter ? parts[convolved + 1].storage() : null, hasBefore ? sizes[0] : 0, sizes[convolved],
                hasAfter ? sizes[convolved + 1] : 0);
        if (sum == null) {
            kernels.linearConv(y, state.storage(), x.storage(), layer, batch, in);
        } else {
            Tensor residual = Tensor.empty(x.backend(), x.shape());
            kernels.linearConv(y, state.storage(), sum.pending().into(residual), layer, batch, in);
            sum.computed(residual);
        }
        return parts;
    }
}
