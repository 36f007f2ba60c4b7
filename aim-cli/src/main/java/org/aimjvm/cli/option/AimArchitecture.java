package org.aimjvm.cli.option;

import java.util.List;
import java.util.Locale;
import org.aimjvm.command.ComputeOptions;
import org.aimjvm.data.TokenDatasetInfo;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimPresets;
import org.aimjvm.nn.AttentionConfig;
import org.aimjvm.ssm.Mamba1Config;
import org.aimjvm.ssm.Mamba2Config;
import org.aimjvm.ssm.SsmConfig;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The architecture of a sequence model: a preset, changed by what is given; a mixin. */
public final class AimArchitecture {
    private static final int D_MODEL = 256;
    private static final int LAYERS = 8;

    /** The state-space mixer of a block. */
    enum Mixer {
        MAMBA1, MAMBA2;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Spec(Spec.Target.MIXEE) private CommandSpec command;

    @Option(
            names = "--preset",
            paramLabel = "NAME",
            description = "Start from a published architecture: aim-b, aim-l, aim-xl or aim-1b. Options below change it.") private String preset;

    @Option(
            names = "--d-model",
            paramLabel = "N",
            description = "Channels of the residual stream (default: 256).") private Integer dModel;

    @Option(names = "--layers", paramLabel = "N", description = "Blocks (default: 8).") private Integer layers;

    @Option(
            names = "--mixer",
            defaultValue = "mamba2",
            paramLabel = "KIND",
            description = "State-space mixer: mamba2 or mamba1 (default: ${DEFAULT-VALUE}).") private Mixer mixer;

    @Option(
            names = "--d-state",
            paramLabel = "N",
            description = "State per channel (default: 128, mamba1 16).") private Integer dState;

    @Option(
            names = "--d-conv",
            paramLabel = "N",
            description = "Width of the causal convolution (default: 4).") private Integer dConv;

    @Option(
            names = "--expand",
            paramLabel = "N",
            description = "Inner channels per channel (default: 2).") private Integer expand;

    @Option(
            names = "--head-dim",
            paramLabel = "N",
            description = "Channels of a head, mamba2 only (default: 64).") private Integer headDim;

    @Option(
            names = "--groups",
            paramLabel = "N",
            description = "Groups of blocks that share their conditioning (adaLN-group); 0 for a projection in every block "
                    + "(default: 0).") private Integer groups;

    @Option(
            names = "--mlp",
            paramLabel = "N",
            description = "Hidden channels of a gated MLP after each mixer, rounded up to a multiple of 128; 0 for none "
                    + "(default: 0).") private Integer mlp;

    @Option(
            names = "--attention-layers",
            split = ",",
            paramLabel = "I",
            description = "Blocks, from 0, with attention instead of the state-space mixer.") private List<
                    Integer> attentionLayers;

    @Option(
            names = "--heads",
            paramLabel = "N",
            description = "Attention heads, with --attention-layers.") private Integer heads;

    @Option(
            names = "--untied",
            description = "Give the output a matrix of its own instead of the word embedding.") private boolean untied;

    @Option(
            names = "--token-dropout",
            defaultValue = "0",
            paramLabel = "R",
            description = "Dropout of embedded codes (default: ${DEFAULT-VALUE}).") private float tokenDropout;

    @Option(
            names = "--mixer-dropout",
            defaultValue = "0",
            paramLabel = "R",
            description = "Dropout of mixer outputs (default: ${DEFAULT-VALUE}).") private float mixerDropout;

    @Option(
            names = "--mlp-dropout",
            defaultValue = "0",
            paramLabel = "R",
            description = "Dropout of MLP outputs (default: ${DEFAULT-VALUE}).") private float mlpDropout;

    /** Complains about everything that can be wrong without knowing the codes. */
    public void check() {
        config(1, 1, 1);
    }

    /** The architecture for a set of codes. */
    public AimConfig config(TokenDatasetInfo codes) {
        return config(codes.vocab(), codes.length(), codes.classNames().size());
    }

    private AimConfig config(int vocab, int tokens, int classes) {
        if (mixer == Mixer.MAMBA1 && headDim != null) {
            throw new ParameterException(command.commandLine(), "--head-dim: given with --mixer mamba1 (expected with"
                    + " mamba2 only)");
        }
        boolean attends = attentionLayers != null && !attentionLayers.isEmpty();
        if (attends != (heads != null)) {
            throw new ParameterException(command.commandLine(), "--attention-layers, --heads: only one given (expected"
                    + " both or none)");
        }
        return ComputeOptions.checked(command, () -> {
            AimConfig c = preset == null ? AimConfig.mamba2(D_MODEL, LAYERS, 0) : AimPresets.get(preset);
            int d = or(dModel, c.dModel());
            int g = or(groups, c.adaLnGroup() ? c.numGroups() : 0);
            if (g < 0) {
                throw new IllegalArgumentException("--groups: " + g + " (expected at least 0)");
            }
            return AimConfig.builder(d)
                    .dIntermediate(or(mlp, c.dIntermediate()))
                    .nLayer(or(layers, c.nLayer()))
                    .vocabSize(vocab)
                    .numClasses(classes)
                    .numTokens(tokens)
                    .ssm(ssm(d))
                    .attention(attends ? AttentionConfig.of(d, heads) : null, attends ? attentionLayers : List.of())
                    .rmsNorm(c.rmsNorm())
                    .tieEmbeddings(!untied)
                    .groups(g)
                    .dropout(tokenDropout, mixerDropout, mlpDropout)
                    .build();
        });
    }

    /**
     * The architecture of a sequence model to train further, with the dropout that is given and the classes of a set of
     * codes.
     *
     * @param there the checkpoint's
     * @param model how users call the checkpoint
     * @throws ParameterException if options ask for another architecture, or values are out of range
     */
    public AimConfig agreeing(AimConfig there, String model, int classes) {
        Agreement agreement = new Agreement(command, model);
        int groupsThere = there.adaLnGroup() ? there.numGroups() : 0;
        if (preset != null) {
            AimConfig p = ComputeOptions.checked(command, () -> AimPresets.get(preset));
            agreement.on("--preset " + preset + ", d_model", dModel == null ? p.dModel() : null, there.dModel())
                    .on("--preset " + preset + ", n_layer", layers == null ? p.nLayer() : null, there.nLayer())
                    .on("--preset " + preset + ", num_groups",
                            groups == null ? p.adaLnGroup() ? p.numGroups() : 0 : null, groupsThere);
        }
        agreement.on("--d-model", dModel, there.dModel())
                .on("--layers", layers, there.nLayer())
                .on("--groups", groups, groupsThere)
                .on("--mlp", rounded(mlp), rounded(there.dIntermediate()))
                .on("--attention-layers", attentionLayers, there.attentionLayers())
                .on("--heads", heads, there.attention() == null ? 0 : there.attention().numHeads())
                .on("--untied", untied ? true : null, !there.tieEmbeddings());
        switch (there.ssm()) {
            case Mamba1Config c -> agreement.on("--mixer", given("--mixer") ? mixer : null, Mixer.MAMBA1)
                    .on("--d-state", dState, c.dState()).on("--d-conv", dConv, c.dConv())
                    .on("--expand", expand, c.expand()).on("--head-dim", headDim, "none");
            case Mamba2Config c -> agreement.on("--mixer", given("--mixer") ? mixer : null, Mixer.MAMBA2)
                    .on("--d-state", dState, c.dState()).on("--d-conv", dConv, c.dConv())
                    .on("--expand", expand, c.expand()).on("--head-dim", headDim, c.headDim());
        }
        agreement.require();
        return ComputeOptions.checked(command, () -> there.toBuilder()
                .numClasses(classes)
                .dropout(
                        given("--token-dropout") ? tokenDropout : there.tokenDrop(),
                        given("--mixer-dropout") ? mixerDropout : there.mixerDrop(),
                        given("--mlp-dropout") ? mlpDropout : there.mlpDrop())
                .build());
    }

    /** Whether an option that has a default was given. */
    private boolean given(String option) {
        return command.commandLine().getParseResult().hasMatchedOption(option);
    }

    /** Hidden channels of an MLP as they are, {@code null} for {@code null}. */
    private static Integer rounded(Integer channels) {
        return channels == null ? null : Math.ceilDiv(channels, 128) * 128;
    }

    private SsmConfig ssm(int d) {
        if (mixer == Mixer.MAMBA1) {
            Mamba1Config c = Mamba1Config.of(d);
            return c.toBuilder()
                    .dState(or(dState, c.dState()))
                    .dConv(or(dConv, c.dConv()))
                    .expand(or(expand, c.expand()))
                    .build();
        }
        Mamba2Config c = Mamba2Config.of(D_MODEL); // only its defaults: d may need another head dimension
        return Mamba2Config.builder(d)
                .dState(or(dState, c.dState()))
                .dConv(or(dConv, c.dConv()))
                .expand(or(expand, c.expand()))
                .headDim(or(headDim, c.headDim()))
                .build();
    }

    private static int or(Integer value, int standard) {
        return value == null ? standard : value;
    }
}
