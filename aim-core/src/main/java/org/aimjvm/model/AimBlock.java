package org.aimjvm.model;

import java.util.Arrays;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.nn.CausalSelfAttention;
import org.aimjvm.nn.Dropout;
import org.aimjvm.nn.GatedMlp;
import org.aimjvm.nn.Init;
import org.aimjvm.nn.Linear;
import org.aimjvm.nn.Mixer;
import org.aimjvm.nn.MixerState;
import org.aimjvm.nn.Norm;
import org.aimjvm.nn.Params;
import org.aimjvm.nn.Trace;
import org.aimjvm.op.elementwise.AddBiasOp;
import org.aimjvm.op.elementwise.ModulateOp;
import org.aimjvm.op.elementwise.SplitOp;
import org.aimjvm.op.norm.NormedSum;
import org.aimjvm.ssm.Mamba1;
import org.aimjvm.ssm.Mamba1Config;
import org.aimjvm.ssm.Mamba2;
import org.aimjvm.ssm.Mamba2Config;
import org.aimjvm.tensor.Recompute;
import org.aimjvm.tensor.Tensor;

/**
 * One block (AiM paper, section 3.3): add to the residual stream, normalise, modulate by the condition, mix, gate; the same
 * once more for the MLP if there is one.
 */
final class AimBlock {
    /**
     * The two streams between blocks.
     *
     * @param branch what the last block's last branch gave, not yet gated and added, (batch, L, dModel); before block 0 the embeddings
     * @param gate its gate, (batch, dModel); {@code null} before block 0
     * @param residual as branch; {@code null} before block 0
     */
    record Streams(Tensor branch, Tensor gate, Tensor residual) {}

    private final AimConfig config;
    private final int index;
    private final Norm norm;
    private final Mixer mixer;
    private final Norm norm2;
    private final GatedMlp mlp;
    private final Linear adaLn; // adaLN: own projection of the condition
    private final Tensor scaleShiftTable; // adaLN-group: own offsets to the group's projection, (1, F, dModel)

    AimBlock(Params params, AimConfig config, int index) {
        this.config = config;
        this.index = index;
        int d = config.dModel();
        double depth = Math.sqrt(config.nLayer());
        Params norms = params.as(AimRole.NORMS);
        Params conditioning = params.as(AimRole.CONDITIONING);
        this.norm = norm(norms.sub("norm"), config);
        Params m = params.sub("mixer").as(AimRole.MIXERS);
        this.mixer = config.attentionLayers().contains(index)
                ? new CausalSelfAttention(m, config.attention(), depth)
                : switch (config.ssm()) {
                    case Mamba2Config c -> new Mamba2(m, c, depth);
                    case Mamba1Config c -> new Mamba1(m, c, depth);
                };
        this.norm2 = config.dIntermediate() > 0 ? norm(norms.sub("norm2"), config) : null;
        this.mlp = config.dIntermediate() > 0
                ? new GatedMlp(params.sub("mlp").as(AimRole.MLPS), d, config.dIntermediate(), depth)
                : null;
        int parts = config.modulations();
        this.adaLn = config.adaLnGroup()
                ? null
                : new Linear(conditioning.sub("adaLN_modulation.1"), d, parts * d, Init.zeros(), Init.zeros());
        this.scaleShiftTable = config.adaLnGroup()
                ? conditioning.get("scale_shift_table", Shape.of(1, parts, d), Init.normal(1 / Math.sqrt(d)))
                : null;
    }

    static Norm norm(Params params, AimConfig config) {
        return config.rmsNorm() ? Norm.rms(params, config.dModel()) : Norm.layer(params, config.dModel());
    }

    /**
     * The block's modulation vectors.
     *
     * @param siluC silu of the condition, (batch, dModel)
     * @param group the projection of the block's group, (batch, F * dModel); {@code null} without adaLN-group
     */
    Tensor[] condition(Tensor siluC, Tensor group) {
        int parts = config.modulations();
        int d = config.dModel();
        Tensor all =
                adaLn != null ? adaLn.forward(siluC) : AddBiasOp.addBias(group, scaleShiftTable.reshape(parts * d));
        int[] sizes = new int[parts];
        Arrays.fill(sizes, d);
        return SplitOp.split(all, sizes);
    }

    /** {@code p} from {@link #condition}. */
    Streams forward(Streams in, Tensor[] p, MixerState state, Dropout dropout, Trace trace) {
        String name = "layer" + index;
        boolean hasMlp = mlp != null;
        Tensor shift = p[0];
        Tensor scale = hasMlp ? p[2] : p[1];
        Tensor gate = hasMlp ? p[4] : p[2];
        NormedSum mixerIn = norm.add(in.branch, in.gate, in.residual, shift, scale);
        if (trace != Trace.OFF) {
            trace.see(name + "_mixer_in", mixerIn.normed());
        }
        Tensor branch = mixer.forward(mixerIn, state);
        Tensor residual = mixerIn.residual();
        trace.see(name + "_mixer_out", branch);
        branch = dropout.apply(branch, config.mixerDrop());
        if (hasMlp) {
            NormedSum mlpIn = norm2.add(branch, gate, residual, p[1], p[3]);
            residual = mlpIn.residual();
            trace.see(name + "_mlp_in", mlpIn.normed());
            branch = mlp.forward(mlpIn.normed());
            trace.see(name + "_mlp_out", branch);
            branch = dropout.apply(branch, config.mlpDrop());
            gate = p[5];
        }
        trace.see(name + "_residual", residual);
        if (trace != Trace.OFF) {
            trace.see(name + "_hidden", ModulateOp.gate(branch, gate)); // the next block's first operation
        }
        return new Streams(branch, gate, residual);
    }

    /** {@link #forward} over whole sequences, computed again in the backward pass. */
    Streams forwardRecomputed(Streams in, Tensor[] p, Dropout dropout) {
        Tensor[] inputs = new Tensor[3 + p.length];
        inputs[0] = in.branch;
        inputs[1] = in.gate;
        inputs[2] = in.residual;
        System.arraycopy(p, 0, inputs, 3, p.length);
        Dropout start = dropout.copy();
        Tensor[] out = Recompute.of(xs -> forward(xs, dropout), xs -> forward(xs, start.copy()), inputs);
        return new Streams(out[0], p[p.length - 1], out[1]);
    }

    private Tensor[] forward(Tensor[] xs, Dropout dropout) {
        Tensor[] p = Arrays.copyOfRange(xs, 3, xs.length);
        Streams out = forward(new Streams(xs[0], xs[1], xs[2]), p, null, dropout, Trace.OFF);
        return new Tensor[] {out.branch, out.residual};
    }

    MixerState newState(int batch, int maxLength, StateFormat format) {
        return mixer.newState(batch, maxLength, format);
    }
}
