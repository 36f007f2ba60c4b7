package org.aimjvm.op.softmax;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.SoftmaxKernels.AttentionGradients;
import org.aimjvm.backend.SoftmaxKernels.AttentionShape;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/** Causal softmax attention with grouped queries (Ainslie et al. 2023), without positional encoding. */
public final class CausalAttentionOp {
    private CausalAttentionOp() {}

    /**
     * {@code out_i = sum over j <= i of softmax_j(q_i . k_j / sqrt(headDim)) v_j}, per head; query head h uses
     * key/value head {@code h / (heads / kvHeads)}.
     *
     * @param q (batch, L, heads * headDim)
     * @param k (batch, L, kvHeads * headDim)
     * @param v as k
     * @param kvHeads a divisor of heads
     * @return as q
     */
    public static Tensor causalAttention(Tensor q, Tensor k, Tensor v, int heads, int kvHeads) {
        checkHeads(q, k, v, heads, kvHeads);
        Backend backend = q.backend();
        int batch = q.dim(0);
        int length = q.dim(1);
        int headDim = q.dim(2) / heads;
        Shapes.expect("causalAttention", "k", k, batch, length, kvHeads * headDim);
        AttentionShape s = AttentionShape.whole(batch, length, heads, kvHeads, headDim);
        Tensor out = Tensor.empty(backend, q.shape());
        backend.softmax().causalAttention(out.storage(), q.storage(), k.storage(), v.storage(), null, s);
        return Autograd.tape(
                out,
                dOut -> {
                    Tensor dQ = Tensor.empty(backend, q.shape());
                    Tensor dK = Tensor.empty(backend, k.shape());
                    Tensor dV = Tensor.empty(backend, v.shape());
                    backend.softmax()
                            .causalAttentionBackward(
                                    new AttentionGradients(dQ.storage(), dK.storage(), dV.storage()), dOut.storage(),
                                    q.storage(), k.storage(), v.storage(), s);
                    return new Tensor[] {dQ, dK, dV};
                },
                q,
                k,
                v);
    }

    /**
     * The same for positions that follow those of {@code cache}: appends {@code k} and {@code v}, then attends to
     * everything cached. A {@code null} cache is a whole sequence from its start.
     *
     * @param q (batch, L, heads * headDim), the new positions only
     * @param k (batch, L, kvHeads * headDim)
     * @param v as k
     * @param cache Modified: grows by L positions
     * @throws IllegalStateException with a cache inside a training scope, where its part of the gradient would be lost
     */
    public static Tensor causalAttention(Tensor q, Tensor k, Tensor v, int heads, int kvHeads, KvCache cache) {
        if (cache == null) {
            return causalAttention(q, k, v, heads, kvHeads);
        }
        if (Scope.tracksGradients()) {
            throw new IllegalStateException(
                    "causalAttention: a cache inside a training scope (train on whole sequences, with a null cache)");
        }
        checkHeads(q, k, v, heads, kvHeads);
        Backend backend = q.backend();
        int batch = q.dim(0);
        int length = q.dim(1);
        int headDim = q.dim(2) / heads;
        Shapes.expect("causalAttention", "k", k, batch, length, kvHeads * headDim);
        cache.append(k, v);
        Tensor out = Tensor.empty(backend, q.shape());
        backend.softmax()
                .causalAttention(
                        out.storage(), q.storage(), cache.keys().storage(), cache.values().storage(),
                        cache.lengthStorage(),
                        new AttentionShape(batch, length, cache.keys().dim(1), heads, kvHeads, headDim));
        return out;
    }

    private static void checkHeads(Tensor q, Tensor k, Tensor v, int heads, int kvHeads) {
        Shapes.expectRank("causalAttention", "q", q, 3);
        Shapes.expectRank("causalAttention", "k", k, 3);
        Shapes.expect("causalAttention", "v", v, k.shape());
        Shapes.check(
                heads >= 1 && q.dim(2) % heads == 0,
                "causalAttention",
                "heads " + heads + " (expected a divisor of the width of q, " + q.dim(2) + ")");
        Shapes.check(
                kvHeads >= 1 && heads % kvHeads == 0,
                "causalAttention",
                "kvHeads " + kvHeads + " (expected a divisor of heads, " + heads + ")");
    }
}
