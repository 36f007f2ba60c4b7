package org.aimjvm.tensor;

import java.util.Arrays;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * Activation checkpointing (Chen et al. 2016): a part of a forward pass whose inner tensors are not kept for the
 * backward pass but computed again there. Memory for one such part at a time, for the price of its forward pass; loss
 * and gradients have the bits they have without.
 */
public final class Recompute {
    private Recompute() {}

    /**
     * {@code first(inputs)}; while gradients are tracked, all that is kept of it are inputs and outputs.
     *
     * @param first the part; depends on a gradient through its inputs and parameters only
     * @param again the same once more, called in the backward pass with tensors that hold what the inputs held
     * @param inputs may be {@code null}
     */
    public static Tensor[] of(UnaryOperator<Tensor[]> first, UnaryOperator<Tensor[]> again, Tensor... inputs) {
        if (!Autograd.isTaped(inputs)) {
            return first.apply(inputs);
        }
        Tensor[] outs;
        try (Scope scope = Scope.inference()) {
            outs = first.apply(inputs).clone();
            for (int i = 0; i < outs.length; i++) {
                scope.keepIfMadeHere(outs[i]);
                outs[i] = outs[i].detach(); // an output may be an input, which has a producer of its own
            }
        }
        Autograd.attach(outs, (dOuts, leaves) -> backward(again, inputs, dOuts, leaves), true, inputs);
        return outs;
    }

    private static Tensor[] backward(
            UnaryOperator<Tensor[]> again, Tensor[] inputs, Tensor[] dOuts, Map<Tensor, Tensor> leaves) {
        Tensor[] dInputs = new Tensor[inputs.length];
        Map<Tensor, Tensor> found;
        try (Scope scope = Scope.training()) {
            Tensor[] xs = Arrays.stream(inputs)
                    .map(x -> x == null ? null : x.needsGrad() ? x.leaf() : x.detach())
                    .toArray(Tensor[]::new);
            found = Autograd.gradients(again.apply(xs.clone()), dOuts);
            found.values().forEach(scope::keepIfMadeHere);
            for (int i = 0; i < xs.length; i++) {
                dInputs[i] = xs[i] == null ? null : found.remove(xs[i]);
            }
        }
        found.forEach((leaf, d) -> leaves.merge(leaf, d, Autograd::sum)); // parameters of the part
        return dInputs;
    }
}
