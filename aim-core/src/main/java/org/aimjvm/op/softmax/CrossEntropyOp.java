package org.aimjvm.op.softmax;

import java.util.Arrays;
import org.aimjvm.backend.Backend;
import org.aimjvm.op.Shapes;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** Negative log-likelihood of classes under a softmax. */
public final class CrossEntropyOp {
    private CrossEntropyOp() {}

    /**
     * {@code loss = log(sum over c of exp(logits[c])) - logits[target]} for every row; {@link ReduceOp#mean} of it is
     * the training loss.
     *
     * @param logits (..., V)
     * @param targets I32 (...), each in [0, V)
     * @return (...)
     * @throws IllegalArgumentException if a target is not a class
     */
    public static Tensor crossEntropy(Tensor logits, Tensor targets) {
        Shapes.expectInts("crossEntropy", "targets", targets);
        int cols = logits.dim(-1);
        int rows = logits.shape().rows();
        int[] dims = logits.shape().toArray();
        Shapes.expect("crossEntropy", "targets", targets, Arrays.copyOf(dims, dims.length - 1));
        Backend backend = logits.backend();
        Tensor loss = Tensor.empty(backend, targets.shape());
        Tensor logSumExp = Tensor.empty(backend, targets.shape());
        backend.softmax()
                .crossEntropy(loss.storage(), logSumExp.storage(), logits.storage(), targets.storage(), rows, cols);
        return Autograd.tape(
                loss,
                dLoss -> {
                    Tensor dLogits = Tensor.empty(backend, logits.shape());
                    backend.softmax()
                            .crossEntropyBackward(
                                    dLogits.storage(), dLoss.storage(), logits.storage(), logSumExp.storage(),
                                    targets.storage(), rows, cols);
                    return new Tensor[] {dLogits};
                },
                logits);
    }
}
