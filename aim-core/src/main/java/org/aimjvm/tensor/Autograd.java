package org.aimjvm.tensor;

import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.PriorityQueue;

/**
 * Reverse-mode differentiation. An operation attaches one closure to its result; {@link Tensor#backward} runs the closures
 * in the reverse of the order in which they were put on the tape, which is a topological order.
 */
public final class Autograd {
    private Autograd() {}

    /** Gradients of a one-output operation's inputs, in their order, {@code null} where an input wants none. */
    @FunctionalInterface
    public interface Backward {
        Tensor[] apply(Tensor dOut);
    }

    /** As {@link Backward} with several outputs; the gradient of an output that nothing used is {@code null}. */
    @FunctionalInterface
    public interface BackwardMany {
        Tensor[] apply(Tensor[] dOuts);
    }

    /** As {@link BackwardMany}; adds the gradients of parameters that are not among the inputs to {@code leaves}. */
    @FunctionalInterface
    interface BackwardPart {
        Tensor[] apply(Tensor[] dOuts, Map<Tensor, Tensor> leaves);
    }

    /** One operation on the tape. */
    static final class Node {
        final long order;
        final Tensor[] inputs;
        final int outputs;
        final BackwardPart backward;

        Node(long order, Tensor[] inputs, int outputs, BackwardPart backward) {
            this.order = order;
            this.inputs = inputs;
            this.outputs = outputs;
            this.backward = backward;
        }
    }

    /**
     * Attaches {@code backward} to {@code out} if a training scope is open and an input wants a gradient. Returns {@code
     * out}.
     */
    public static Tensor tape(Tensor out, Backward backward, Tensor... inputs) {
        if (isTaped(inputs)) {
            attach(new Tensor[] {out}, (dOuts, _) -> backward.apply(dOuts[0]), inputs);
        }
        return out;
    }

    /** As {@link #tape(Tensor, Backward, Tensor...)} for an operation with several outputs. Returns {@code outs}. */
    public static Tensor[] tape(Tensor[] outs, BackwardMany backward, Tensor... inputs) {
        if (isTaped(inputs)) {
            attach(outs, (dOuts, _) -> backward.apply(dOuts), inputs);
        }
        return outs;
    }

    /** Whether an operation on {@code inputs} is to be put on the tape now. Inputs may be {@code null}. */
    public static boolean isTaped(Tensor... inputs) {
        if (!Scope.tracksGradients()) {
            return false;
        }
        for (Tensor x : inputs) {
            if (x != null && x.needsGrad()) {
                return true;
            }
        }
        return false;
    }

    /** Makes {@code outs} the results of an operation on {@code inputs}. */
    static void attach(Tensor[] outs, BackwardPart backward, Tensor[] inputs) {
        Node node = new Node(Scope.nextOrder(), inputs, outs.length, backward);
        for (int i = 0; i < outs.length; i++) {
            outs[i].attach(node, i);
        }
    }

    static Gradients backward(Tensor loss) {
        if (loss.size() != 1) {
            throw new IllegalStateException("backward: tensor of shape " + loss.shape() + " (expected a scalar loss)");
        }
        if (!loss.needsGrad()) {
            throw new IllegalStateException(
                    "backward: nothing is on the tape (compute the loss from parameters inside Scope.training())");
        }
        return new Gradients(
                gradients(new Tensor[] {loss}, new Tensor[] {Tensor.full(loss.backend(), loss.shape(), 1f)}));
    }

    /**
     * Gradients of {@code sum over i of <outs[i], dOuts[i]>} with respect to every leaf.
     *
     * @param dOuts {@code null} where an output was not used
     */
    static Map<Tensor, Tensor> gradients(Tensor[] outs, Tensor[] dOuts) {
        Map<Tensor, Tensor> leaves = new IdentityHashMap<>();
        Map<Node, Tensor[]> pending = new HashMap<>();
        PriorityQueue<Node> queue = new PriorityQueue<>(Comparator.comparingLong((Node n) -> n.order).reversed());
        for (int i = 0; i < outs.length; i++) {
            if (dOuts[i] != null && outs[i].needsGrad()) {
                accumulate(outs[i], dOuts[i], leaves, pending, queue);
            }
        }
        while (!queue.isEmpty()) {
            Node node = queue.poll();
            Tensor[] dInputs = node.backward.apply(pending.remove(node), leaves);
            for (int i = 0; i < node.inputs.length; i++) {
                if (node.inputs[i] != null && node.inputs[i].needsGrad()) {
                    if (dInputs[i] == null) {
                        continue; // no output that depends on this input was used
                    }
                    accumulate(node.inputs[i], dInputs[i], leaves, pending, queue);
                }
            }
        }
        return leaves;
    }

    private static void accumulate(
            Tensor x, Tensor dx, Map<Tensor, Tensor> leaves, Map<Node, Tensor[]> pending, PriorityQueue<Node> queue) {
        if (!dx.shape().equals(x.shape())) {
            throw new IllegalStateException("backward: gradient of shape " + dx.shape() + ", expected " + x.shape());
        }
        if (x.isParameter()) {
            leaves.merge(x, dx, Autograd::sum);
            return;
        }
        Node node = x.node();
        Tensor[] dOuts = pending.get(node);
        if (dOuts == null) {
            dOuts = new Tensor[node.outputs];
            pending.put(node, dOuts);
            queue.add(node);
        }
        int i = x.outputIndex();
        dOuts[i] = dOuts[i] == null ? dx : sum(dOuts[i], dx);
    }

    /** Never in place: a closure may hand the same tensor to two inputs. */
    static Tensor sum(Tensor a, Tensor b) {
        Tensor y = Tensor.empty(a.backend(), a.shape());
        a.backend().elementwise().add(y.storage(), a.storage(), b.storage(), a.size());
        return y;
    }
}
