package org.aimjvm.cli.option;

import java.util.List;
import org.aimjvm.command.ComputeOptions;
import org.aimjvm.vq.VqConfig;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The architecture of a tokenizer: a preset, changed by what is given; a mixin. */
public final class VqArchitecture {
    /** Without a preset: for small pictures on a CPU. */
    private static final VqConfig SMALL =
            VqConfig.builder().ch(64).chMult(List.of(1, 1, 2)).numResBlocks(1).zChannels(64).nEmbed(512).build();

    @Spec(Spec.Target.MIXEE) private CommandSpec command;

    @Option(
            names = "--preset",
            paramLabel = "NAME",
            description = "Start from a published architecture: vq-f16 or vq-f8. Options below change it.") private String preset;

    @Option(
            names = "--ch",
            paramLabel = "N",
            description = "Base channels (default: 64, presets 128).") private Integer ch;

    @Option(
            names = "--ch-mult",
            split = ",",
            paramLabel = "N",
            description = "Channel multipliers of the levels, highest resolution first; each further level halves the sides "
                    + "(default: 1,1,2, which is 4 pixels a code).") private List<Integer> chMult;

    @Option(
            names = "--res-blocks",
            paramLabel = "N",
            description = "Residual blocks of a level (default: 1, presets 2).") private Integer resBlocks;

    @Option(
            names = "--z-channels",
            paramLabel = "N",
            description = "Channels before quantisation (default: 64, presets 256).") private Integer zChannels;

    @Option(
            names = "--codebook",
            paramLabel = "N",
            description = "Codes (default: 512, presets 16384).") private Integer codebook;

    @Option(
            names = "--embed-dim",
            paramLabel = "N",
            description = "Dimension of a code (default: 8).") private Integer embedDim;

    @Option(
            names = "--norm-groups",
            paramLabel = "N",
            description = "Groups of every GroupNorm, a divisor of all channels (default: 32).") private Integer normGroups;

    @Option(
            names = "--commit",
            paramLabel = "R",
            description = "Weight of the commitment loss (default: 0.25).") private Float commit;

    @Option(
            names = "--entropy",
            paramLabel = "R",
            description = "Weight of the entropy loss, 0 for none (default: 0).") private Float entropy;

    /**
     * The architecture for pictures of {@code channels}.
     *
     * @throws picocli.CommandLine.ParameterException if values are out of range or do not fit together
     */
    public VqConfig config(int channels) {
        return ComputeOptions.checked(command, () -> {
            VqConfig c = preset == null ? SMALL : VqConfig.preset(preset);
            return c.toBuilder()
                    .ch(or(ch, c.ch()))
                    .chMult(chMult == null ? c.chMult() : chMult)
                    .numResBlocks(or(resBlocks, c.numResBlocks()))
                    .zChannels(or(zChannels, c.zChannels()))
                    .nEmbed(or(codebook, c.nEmbed()))
                    .embedDim(or(embedDim, c.embedDim()))
                    .channels(channels, channels)
                    .normGroups(or(normGroups, c.normGroups()))
                    .commitBeta(commit == null ? c.commitBeta() : commit)
                    .entropyLossRatio(entropy == null ? c.entropyLossRatio() : entropy)
                    .build();
        });
    }

    /**
     * The architecture of a tokenizer to train further, with the weights of losses that are given.
     *
     * @param there the checkpoint's
     * @param model how users call the checkpoint
     * @throws picocli.CommandLine.ParameterException if options ask for another architecture, or values are out of range
     */
    public VqConfig agreeing(VqConfig there, String model) {
        Agreement agreement = new Agreement(command, model);
        if (preset != null) {
            VqConfig p = ComputeOptions.checked(command, () -> VqConfig.preset(preset));
            agreement.on("--preset " + preset + ", ch", ch == null ? p.ch() : null, there.ch())
                    .on("--preset " + preset + ", ch_mult", chMult == null ? p.chMult() : null, there.chMult())
                    .on("--preset " + preset + ", n_embed", codebook == null ? p.nEmbed() : null, there.nEmbed());
        }
        agreement.on("--ch", ch, there.ch())
                .on("--ch-mult", chMult, there.chMult())
                .on("--res-blocks", resBlocks, there.numResBlocks())
                .on("--z-channels", zChannels, there.zChannels())
                .on("--codebook", codebook, there.nEmbed())
                .on("--embed-dim", embedDim, there.embedDim())
                .on("--norm-groups", normGroups, there.normGroups())
                .require();
        return ComputeOptions.checked(command, () -> there.toBuilder()
                .commitBeta(commit == null ? there.commitBeta() : commit)
                .entropyLossRatio(entropy == null ? there.entropyLossRatio() : entropy)
                .build());
    }

    private static int or(Integer value, int standard) {
        return value == null ? standard : value;
    }
}
