package org.aimjvm.cli.command;

import java.util.LinkedHashMap;
import java.util.Map;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Params;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;

/**
 * Number of trained values of a model, by part. Computed from a model without data, so of any size at once.
 *
 * @param parts by name, in the order of the model
 */
record ParameterCounts(Map<String, Long> parts) {
    private static final String LAYER = "mamba\\.backbone\\.layers\\.\\d+\\.";

    static ParameterCounts of(AimConfig config) {
        Params params = Params.shapesOnly();
        new AimModel(params.sub("mamba"), config, PositionRule.SEQUENCE_INDEX);
        return count(params, true);
    }

    static ParameterCounts of(VqConfig config) {
        Params params = Params.shapesOnly();
        new VqModel(params.sub("vqvae"), config);
        return count(params, false);
    }

    private static ParameterCounts count(Params params, boolean sequenceModel) {
        Map<String, Long> parts = new LinkedHashMap<>();
        params.trainable().forEach((name, t) -> parts.merge(
                sequenceModel ? sequenceModelPart(name) : tokenizerPart(name), (long) t.size(), Long::sum));
        return new ParameterCounts(parts);
    }

    long total() {
        return parts.values().stream().mapToLong(Long::longValue).sum();
    }

    private static String sequenceModelPart(String name) {
        if (name.contains(".embeddings.word_embeddings.")) {
            return "word embeddings";
        }
        if (name.contains(".embeddings.position_embeddings.")) {
            return "position embeddings";
        }
        if (name.contains(".cls_embed.")) {
            return "class embeddings";
        }
        if (name.contains("adaLN_modulation") || name.contains("adaln_group") || name.contains("scale_shift_table")) {
            return "conditioning";
        }
        if (name.matches(LAYER + "mixer\\..*")) {
            return "mixers";
        }
        if (name.matches(LAYER + "mlp\\..*")) {
            return "MLPs";
        }
        return name.contains("lm_head") ? "head" : "norms";
    }

    private static String tokenizerPart(String name) {
        if (name.contains(".quantize.")) {
            return "codebook";
        }
        if (name.contains("quant_conv")) {
            return "projections";
        }
        return name.contains(".encoder.") ? "encoder" : "decoder";
    }
}
