package org.aimjvm.nn;

import org.aimjvm.backend.StateFormat;
import org.aimjvm.op.elementwise.SplitOp;
import org.aimjvm.op.norm.NormedSum;
import org.aimjvm.op.softmax.CausalAttentionOp;
import org.aimjvm.op.softmax.KvCache;
import org.aimjvm.tensor.Tensor;

/**
 * Causal multi-head (grouped-query) attention: {@code out_proj(attention(split(in_proj u)))}, no positional encoding.
 */
public final class CausalSelfAttention implements Mixer {
    /** Keys and values of all positions so far: grows with the sequence, unlike a state-space layer's. */
    private record State(KvCache cache) implements MixerState {
        @Override
        public void reset() {
            cache.clear();
        }
    }

    private final AttentionConfig config;
    private final Params params;
    private final Linear inProj;
    private final Linear outProj;

    /** @param outDivisor divides the initial {@code out_proj} weights: sqrt(number of layers) */
    public CausalSelfAttention(Params params, AttentionConfig config, double outDivisor) {
        this.config = config;
        this.params = params;
        int queries = config.numHeads() * config.headDim();
        int keys = config.numHeadsKv() * config.headDim();
        this.inProj = new Linear(params.sub("in_proj"), config.dModel(), queries + 2 * keys, config.qkvBias());
        this.outProj = new Linear(
                params.sub("out_proj"),
                queries,
                config.dModel(),
                config.outBias(),
                Init.scaled(Init.fanIn(queries), outDivisor));
    }

    @Override
    public Tensor forward(NormedSum input, MixerState state) {
        Tensor u = input.normed();
        int queries = config.numHeads() * config.headDim();
        int keys = config.numHeadsKv() * config.headDim();
        Tensor[] qkv = SplitOp.split(inProj.forward(u), queries, keys, keys);
        KvCache cache = state == null ? null : ((State) state).cache();
        return outProj.forward(
                CausalAttentionOp.causalAttention(qkv[0], qkv[1], qkv[2], config.numHeads(), config.numHeadsKv(),
                        cache));
    }

    @Override
    public MixerState newState(int batch, int maxLength, StateFormat format) {
        return new State(new KvCache(params.backend(), batch, maxLength, config.numHeadsKv() * config.headDim()));
    }
}
