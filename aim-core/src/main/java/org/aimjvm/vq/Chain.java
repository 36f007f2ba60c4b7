package org.aimjvm.vq;

import java.util.function.UnaryOperator;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/**
 * Steps of which each needs the result of the one before and nothing else. Where no gradient is tracked, a step's input
 * and whatever it made on the way are given back at its end: the activations of a 256x256 picture would take more than
 * a gigabyte together.
 */
final class Chain {
    private Chain() {}

    /** {@code step} of {@code x}; x must not be used afterwards if it was made in the current scope. */
    static Tensor step(Tensor x, UnaryOperator<Tensor> step) {
        if (Scope.tracksGradients()) {
            return step.apply(x);
        }
        try (Scope scope = Scope.inference()) {
            return scope.keep(step.apply(scope.take(x)));
        }
    }
}
