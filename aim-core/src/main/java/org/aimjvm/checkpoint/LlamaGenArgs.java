package org.aimjvm.checkpoint;

import java.util.Map;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.TensorSource;
import org.aimjvm.vq.VqConfig;

/**
 * The tokenizer's configuration in a checkpoint of LlamaGen's trainer, which keeps its own arguments beside the weights
 * ({@code args.vq_model} and so on; {@code tokenizer/tokenizer_image/vq_train.py}).
 */
final class LlamaGenArgs {
    private static final String MODEL = "args.vq_model";

    private LlamaGenArgs() {}

    /**
     * The configuration, {@code null} if the file keeps none.
     *
     * @throws CheckpointException if a value is none that the trainer writes
     */
    static VqConfig tokenizer(TensorSource file) {
        Map<String, String> args = file.metadata();
        String model = args.get(MODEL);
        if (model == null) {
            return null;
        }
        VqConfig preset = switch (model) {
            case "VQ-16" -> VqConfig.f16();
            case "VQ-8" -> VqConfig.f8();
            default -> throw new CheckpointException(
                    file.path(), null,
                    MODEL + ": " + CheckpointException.shorten(model) + " (expected VQ-16 or VQ-8; or put a "
                            + ModelFolder.VQ_CONFIG + " beside the file)");
        };
        try {
            return preset.toBuilder()
                    .nEmbed(Integer.parseInt(args.getOrDefault("args.codebook_size", "" + preset.nEmbed())))
                    .embedDim(Integer.parseInt(args.getOrDefault("args.codebook_embed_dim", "" + preset.embedDim())))
                    .commitBeta(Float.parseFloat(args.getOrDefault("args.commit_loss_beta", "" + preset.commitBeta())))
                    .entropyLossRatio(Float.parseFloat(
                            args.getOrDefault("args.entropy_loss_ratio", "" + preset.entropyLossRatio())))
                    .build();
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(file.path(), null, "args of the tokenizer: " + e.getMessage(), e);
        }
    }
}
