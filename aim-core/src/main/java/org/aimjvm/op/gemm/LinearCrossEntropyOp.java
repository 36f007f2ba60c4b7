package org.aimjvm.op.gemm;

import java.util.Arrays;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.GemmShape;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.Shapes;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.op.softmax.CrossEntropyOp;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/**
 * The last layer and its loss in one: logits of a block of rows at a time, which their gradient overwrites. Where a
 * gradient is wanted it is computed with the loss, up to the one factor that is known only later, so that no logits are
 * kept or computed twice.
 */
public final class LinearCrossEntropyOp {
    /** Rows of a block: enough for the products to run at full speed. */
    private static final int ROWS = 512;

    private LinearCrossEntropyOp() {}

    /**
     * {@code mean over rows of log(sum over c of exp(z[c])) - z[target]} with {@code z = x W^T}: the bits of {@link
     * LinearOp#linear}, {@link CrossEntropyOp#crossEntropy} and {@link ReduceOp#mean} one after another, and of their
     * gradients where that of the result is 1.
     *
     * @param x (..., in), at least one row
     * @param w (V, in)
     * @param targets I32 (...), each in [0, V)
     * @return a scalar
     * @throws IllegalArgumentException if a target is not a class
     */
    public static Tensor meanCrossEntropy(Tensor x, Tensor w, Tensor targets) {
        check(x, w, targets);
        int classes = w.dim(0);
        int in = w.dim(1);
        int rows = x.shape().rows();
        Backend b = x.backend();
        boolean taped = Autograd.isTaped(x, w);
        Tensor dX = taped ? Shapes.gradientFor(x) : null;
        Tensor dW = taped ? Shapes.gradientFor(w) : null;
        Tensor losses = Tensor.empty(b, Shape.of(rows));
        for (int from = 0; from < rows; from += ROWS) {
            int count = Math.min(ROWS, rows - from);
            try (Scope _ = Scope.inference()) {
                Tensor part = Tensor.empty(b, Shape.of(count, in));
                b.copy(part.storage(), 0, x.storage(), from * in, count * in);
                Tensor wanted = Tensor.empty(b, DType.I32, Shape.of(count));
                b.copy(wanted.storage(), 0, targets.storage(), from, count);
                Tensor logits = Tensor.empty(b, Shape.of(count, classes));
                b.gemm().linear(logits.storage(), part.storage(), w.storage(), count, classes, in);
                Tensor loss = Tensor.empty(b, Shape.of(count));
                Tensor logSumExp = Tensor.empty(b, Shape.of(count));
                b.softmax()
                        .crossEntropy(
                                loss.storage(), logSumExp.storage(), logits.storage(), wanted.storage(), count,
                                classes);
                b.copy(losses.storage(), from, loss.storage(), 0, count);
                if (taped) {
                    b.fill(loss.storage(), 0, count, 1f / rows);
                    b.softmax()
                            .crossEntropyBackward(
                                    logits.storage(), loss.storage(), logits.storage(), logSumExp.storage(),
                                    wanted.storage(), count, classes);
                }
                if (dW != null) { // dZ^T x, the chains of additions continued from block to block
                    b.gemm()
                            .gemm(
                                    dW.storage(), logits.storage(), part.storage(),
                                    GemmShape.transposedA(classes, in, count), from > 0);
                }
                if (dX != null) { // dZ W
                    b.gemm()
                            .gemm(
                                    part.storage(), logits.storage(), w.storage(),
                                    GemmShape.of(count, in, classes), false);
                    b.copy(dX.storage(), from * in, part.storage(), 0, count * in);
                }
            }
        }
        Tensor mean = ReduceOp.mean(losses);
        return Autograd.tape(mean, dY -> new Tensor[] {scaled(dX, dY), scaled(dW, dY)}, x, w);
    }

    private static void check(Tensor x, Tensor w, Tensor targets) {
        Shapes.expectRank("meanCrossEntropy", "weight", w, 2);
        Shapes.expectInts("meanCrossEntropy", "targets", targets);
        int in = w.dim(1);
        int[] dims = x.shape().toArray();
        Shapes.check(dims.length >= 1 && dims[dims.length - 1] == in, "meanCrossEntropy", "x of shape " + x.shape()
                + ", expected (..., " + in + ") for weight " + w.shape());
        Shapes.expect("meanCrossEntropy", "targets", targets, Arrays.copyOf(dims, dims.length - 1));
        Shapes.check(x.shape().rows() > 0, "meanCrossEntropy", "no rows, expected at least one");
    }

    private static Tensor scaled(Tensor d, Tensor dY) {
        float factor = dY.item();
        if (d == null || factor == 1) {
            return d;
        }
        Tensor y = Tensor.empty(d.backend(), d.shape());
        d.backend().elementwise().affine(y.storage(), d.storage(), factor, 0, d.size());
        return y;
    }
}
