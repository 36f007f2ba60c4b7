package org.aimjvm.model;

import static org.aimjvm.op.ArithmeticOp.add;
import static org.aimjvm.op.ModulateOp.gate;
import static org.aimjvm.op.ModulateOp.modulate;

import java.util.Arrays;
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
import org.aimjvm.op.AddBiasOp;
import org.aimjvm.op.SplitOp;
import org.aimjvm.ssm.Mamba1;
import org.aimjvm.ssm.Mamba1Config;
import org.aimjvm.ssm.Mamba2;
import org.aimjvm.ssm.Mamba2Config;
import org.aimjvm.tensor.Recompute;
import org.aimjvm.tensor.Shape;
import org.aimjvm.tensor.Tensor;

/**
 * One block (AiM paper, section 3.3): add to the residual stream, normalise, modulate by the condition, mix, gate; the same
 * once more for the MLP if there is one.
 */
final class AimBlock {
    /** The two streams between blocks: the branch output not yet added, and the residual ({@code null} before block 0). */
    record Streams(Tensor hidden, Tensor residual) {}

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
        this.norm = norm(params.sub("norm"), config);
        Params m = params.sub("mixer");
        this.mixer = config.attentionLayers().contains(index)
                ? new CausalSelfAttention(m, config.attention(), depth)
                : switch (config.ssm()) {
                    case Mamba2Config c -> new Mamba2(m, c, depth);
                    case Mamba1Config c -> new Mamba1(m, c, depth);
                };
        this.norm2 = config.dIntermediate() > 0 ? norm(params.sub("norm2"), config) : null;
        this.mlp =
                config.dIntermediate() > 0 ? new GatedMlp(params.sub("mlp"), d, config.dIntermediate(), depth) : null;
        int parts = config.modulations();
        this.adaLn = config.adaLnGroup()
                ? null
                : new Linear(params.sub("adaLN_modulation.1"), d, parts * d, Init.zeros(), Init.zeros());
        this.scaleShiftTable = config.adaLnGroup()
                ? params.get("scale_shift_table", Shape.of(1, parts, d), Init.normal(1 / Math.sqrt(d)))
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

    /** in.hidden (batch, L, dModel); {@code p} from {@link #condition}. */
    Streams forward(Streams in, Tensor[] p, MixerState state, Dropout dropout, Trace trace) {
        String name = "layer" + index;
        boolean hasMlp = mlp != null;
        Tensor shift = p[0];
        Tensor scale = hasMlp ? p[2] : p[1];
        Tensor gate = hasMlp ? p[4] : p[2];
        Tensor residual = in.residual == null ? in.hidden : add(in.hidden, in.residual);
        Tensor mixerIn = modulate(norm.forward(residual), shift, scale);
        trace.see(name + "_mixer_in", mixerIn);
        Tensor mixed = mixer.forward(mixerIn, state);
        trace.see(name + "_mixer_out", mixed);
        Tensor hidden = gate(dropout.apply(mixed, config.mixerDrop()), gate);
        if (hasMlp) {
            residual = add(hidden, residual);
            Tensor mlpIn = modulate(norm2.forward(residual), p[1], p[3]);
            trace.see(name + "_mlp_in", mlpIn);
            Tensor mlpOut = mlp.forward(mlpIn);
            trace.see(name + "_mlp_out", mlpOut);
            hidden = gate(dropout.apply(mlpOut, config.mlpDrop()), p[5]);
        }
        trace.see(name + "_residual", residual);
        trace.see(name + "_hidden", hidden);
        return new Streams(hidden, residual);
    }

    /** {@link #forward} over whole sequences, computed again in the backward pass. */
    Streams forwardRecomputed(Streams in, Tensor[] p, Dropout dropout) {
        Tensor[] inputs = new Tensor[2 + p.length];
        inputs[0] = in.hidden;
        inputs[1] = in.residual;
        System.arraycopy(p, 0, inputs, 2, p.length);
        Dropout start = dropout.copy();
        Tensor[] out = Recompute.of(xs -> forward(xs, dropout), xs -> forward(xs, start.copy()), inputs);
        return new Streams(out[0], out[1]);
    }

    private Tensor[] forward(Tensor[] xs, Dropout dropout) {
        Tensor[] p = Arrays.copyOfRange(xs, 2, xs.length);
        Streams out = forward(new Streams(xs[0], xs[1]), p, null, dropout, Trace.OFF);
        return new Tensor[] {out.hidden, out.residual};
    }

    MixerState newState(int batch, int maxLength) {
        return mixer.newState(batch, maxLength);
    }
}
