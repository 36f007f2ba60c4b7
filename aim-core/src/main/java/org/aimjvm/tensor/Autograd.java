package org.aimjvm.tensor;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;

/**
 * Reverse-mode differentiation. An operation attaches one closure to its result; {@link Tensor#backward} runs the
 * closures in the reverse of the order in which they were put on the tape, which is a topological order.
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

    /** One operation on the tape; {@code hidesLeaves} if it may depend on parameters that are not among its inputs. */
    static final class Node {
        final long order;
        final Tensor[] inputs;
        final int outputs;
        final boolean hidesLeaves;
        final BackwardPart backward;

        Node(long order, Tensor[] inputs, int outputs, boolean hidesLeaves, BackwardPart backward) {
            this.order = order;
            this.inputs = inputs;
            this.outputs = outputs;
            this.hidesLeaves = hidesLeaves;
            this.backward = backward;
        }
    }

    /**
     * Attaches {@code backward} to {@code out} if a training scope is open and an input wants a gradient. Returns
     * {@code out}.
     */
    public static Tensor tape(Tensor out, Backward backward, Tensor... inputs) {
        if (isTaped(inputs)) {
            attach(new Tensor[] {out}, (dOuts, _) -> backward.apply(dOuts[0]), false, inputs);
        }
        return out;
    }

    /** As {@link #tape(Tensor, Backward, Tensor...)} for an operation with several outputs. Returns {@code outs}. */
    public static Tensor[] tape(Tensor[] outs, BackwardMany backward, Tensor... inputs) {
        if (isTaped(inputs)) {
            attach(outs, (dOuts, _) -> backward.apply(dOuts), false, inputs);
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

    /**
     * Makes {@code outs} the results of an operation on {@code inputs}.
     *
     * @param hidesLeaves whether {@code backward} may add parameters that are not among the inputs
     */
    static void attach(Tensor[] outs, BackwardPart backward, boolean hidesLeaves, Tensor[] inputs) {
        Node node = new Node(Scope.nextOrder(), inputs, outs.length, hidesLeaves, backward);
        for (int i = 0; i < outs.length; i++) {
            outs[i].attach(node, i);
        }
    }

    /** Gradients of {@code loss} with respect to every parameter it depends on. */
    static Gradients backward(Tensor loss) {
        requireLoss(loss);
        return new Gradients(gradients(new Tensor[] {loss}, new Tensor[] {one(loss)}));
    }

    /**
     * Gradients of {@code loss} with respect to {@code wrt} alone; operations that none of these went through are left
     * out.
     */
    static Gradients backward(Tensor loss, List<Tensor> wrt) {
        requireLoss(loss);
        for (Tensor t : wrt) {
            if (!t.needsGrad()) {
                throw new IllegalArgumentException("backward: a tensor of shape " + t.shape()
                        + " that wants no gradient (expected a parameter, or what was computed from one inside"
                        + " Scope.training())");
            }
        }
        Wanted wanted = new Wanted(wrt);
        new Pass(wanted).run(new Tensor[] {loss}, new Tensor[] {one(loss)});
        return new Gradients(wanted.found);
    }

    private static void requireLoss(Tensor loss) {
        if (loss.size() != 1) {
            throw new IllegalStateException("backward: tensor of shape " + loss.shape() + " (expected a scalar loss)");
        }
        if (!loss.needsGrad()) {
            throw new IllegalStateException(
                    "backward: nothing is on the tape (compute the loss from parameters inside Scope.training())");
        }
    }

    private static Tensor one(Tensor loss) {
        return Tensor.full(loss.backend(), loss.shape(), 1f);
    }

    /**
     * Gradients of {@code sum over i of <outs[i], dOuts[i]>} with respect to every leaf.
     *
     * @param dOuts {@code null} where an output was not used
     */
    static Map<Tensor, Tensor> gradients(Tensor[] outs, Tensor[] dOuts) {
        return new Pass(null).run(outs, dOuts);
    }

    /** What a pass looks for, and where that lies: a node is visited only if something wanted lies below it. */
    private static final class Wanted {
        private final Set<Tensor> leaves = Collections.newSetFromMap(new IdentityHashMap<>());
        private final Map<Node, List<Tensor>> outputs = new IdentityHashMap<>();
        private final Map<Node, Boolean> leads = new IdentityHashMap<>();
        private final Map<Tensor, Tensor> found = new IdentityHashMap<>();

        Wanted(List<Tensor> wrt) {
            for (Tensor t : wrt) {
                if (t.isParameter()) {
                    leaves.add(t);
                } else {
                    outputs.computeIfAbsent(t.node(), n -> new ArrayList<>()).add(t);
                }
            }
        }

        /** Whether the gradient of {@code x} is wanted, or is needed for one that is. */
        boolean concerns(Tensor x) {
            return x.isParameter() ? leaves.contains(x) : outputs.containsKey(x.node()) || leads(x.node());
        }

        /** Whether something wanted is among what {@code top} was computed from. Without recursion: graphs are deep. */
        boolean leads(Node top) {
            ArrayDeque<Node> open = new ArrayDeque<>(List.of(top));
            while (!open.isEmpty()) {
                Node node = open.peek();
                if (leads.containsKey(node)) {
                    open.pop();
                    continue;
                }
                boolean found = node.hidesLeaves && !leaves.isEmpty();
                int waiting = open.size();
                for (Tensor x : node.inputs) {
                    if (found || x == null || !x.needsGrad()) {
                        continue;
                    }
                    if (x.isParameter() ? leaves.contains(x)
                            : outputs.containsKey(x.node()) || leads.getOrDefault(x.node(), false)) {
                        found = true;
                    } else if (!x.isParameter() && !leads.containsKey(x.node())) {
                        open.push(x.node());
                    }
                }
                if (found || open.size() == waiting) {
                    while (open.size() > waiting) {
                        open.pop();
                    }
                    leads.put(open.pop(), found);
                }
            }
            return leads.get(top);
        }

        /** Keeps the gradients of wanted outputs of {@code node}. */
        void keep(Node node, Tensor[] dOuts) {
            for (Tensor t : outputs.getOrDefault(node, List.of())) {
                if (dOuts[t.outputIndex()] != null) {
                    found.put(t, dOuts[t.outputIndex()]);
                }
            }
        }
    }

    /** One walk back over the tape, which it leaves as it is. */
    private static final class Pass {
        private final Wanted wanted; // null: all leaves
        private final Map<Tensor, Tensor> leaves = new IdentityHashMap<>();
        private final Map<Node, Tensor[]> pending = new HashMap<>();
        private final PriorityQueue<Node> queue =
                new PriorityQueue<>(Comparator.comparingLong((Node n) -> n.order).reversed());

        Pass(Wanted wanted) {
            this.wanted = wanted;
        }

        Map<Tensor, Tensor> run(Tensor[] outs, Tensor[] dOuts) {
            for (int i = 0; i < outs.length; i++) {
                if (dOuts[i] != null && outs[i].needsGrad()) {
                    accumulate(outs[i], dOuts[i]);
                }
            }
            while (!queue.isEmpty()) {
                Node node = queue.poll();
                Tensor[] given = pending.remove(node);
                if (wanted != null) {
                    wanted.keep(node, given);
                    if (!wanted.leads(node)) {
                        continue;
                    }
                }
                Tensor[] dInputs = node.backward.apply(given, leaves);
                for (int i = 0; i < node.inputs.length; i++) {
                    if (node.inputs[i] != null && node.inputs[i].needsGrad() && dInputs[i] != null) {
                        accumulate(node.inputs[i], dInputs[i]); // null: no output that depends on this input was used
                    }
                }
            }
            if (wanted != null) {
                leaves.keySet().retainAll(wanted.leaves);
                wanted.found.putAll(leaves);
            }
            return leaves;
        }

        private void accumulate(Tensor x, Tensor dx) {
            if (!dx.shape().equals(x.shape())) {
                throw new IllegalStateException(
                        "backward: gradient of shape " + dx.shape() + ", expected " + x.shape());
            }
            if (wanted != null && !wanted.concerns(x)) {
                return;
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
    }

    /** Never in place: a closure may hand the same tensor to two inputs. */
    static Tensor sum(Tensor a, Tensor b) {
        Tensor y = Tensor.empty(a.backend(), a.shape());
        a.backend().elementwise().add(y.storage(), a.storage(), b.storage(), a.size());
        return y;
    }
}
