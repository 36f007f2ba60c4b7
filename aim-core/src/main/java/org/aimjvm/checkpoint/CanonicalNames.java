package org.aimjvm.checkpoint;

import java.util.List;
import org.aimjvm.io.TensorSource;
import org.aimjvm.model.AimModel;
import org.aimjvm.vq.VqModel;

/**
 * Brings the names of a checkpoint into the published form, {@code mamba.*} and {@code vqvae.*}, whatever wrapper or
 * short form they are in.
 */
final class CanonicalNames {
    private static final String MODEL = AimModel.NAME + ".";
    private static final String TOKENIZER = VqModel.NAME + ".";

    /** Keys under which training programs keep weights, beside the optimiser; averaged ones first. */
    private static final List<String> WRAPPERS = List.of("ema.", "model.", "state_dict.", "module.");

    private static final List<String> MODEL_PARTS = List.of("backbone.", "lm_head.");
    private static final List<String> TOKENIZER_PARTS =
            List.of("encoder.", "decoder.", "quantize.", "quant_conv.", "post_quant_conv.");
    /** State of a training program that may lie beside the weights; its tensors are not the model's. */
    private static final String OPTIMIZER = "optimizer";

    private CanonicalNames() {}

    /** A view of {@code source}; names that belong to neither part stay as they are. */
    static TensorSource of(TensorSource source) {
        TensorSource found = find(source);
        return found == null ? source : found;
    }

    private static TensorSource find(TensorSource source) {
        if (source.names().stream().anyMatch(CanonicalNames::isKnown)) {
            return source.select(n -> !n.startsWith(OPTIMIZER)).renamed(CanonicalNames::canonical);
        }
        for (String wrapper : WRAPPERS) {
            if (source.names().stream().anyMatch(n -> n.startsWith(wrapper))) {
                TensorSource inside = find(source.sub(wrapper));
                if (inside != null) {
                    return inside;
                }
            }
        }
        return null;
    }

    private static boolean isKnown(String name) {
        return isModel(canonical(name)) || isTokenizer(canonical(name));
    }

    private static String canonical(String name) {
        if (MODEL_PARTS.stream().anyMatch(name::startsWith)) {
            return MODEL + name;
        }
        return TOKENIZER_PARTS.stream().anyMatch(name::startsWith) ? TOKENIZER + name : name;
    }

    static boolean isModel(String name) {
        return name.startsWith(MODEL);
    }

    static boolean isTokenizer(String name) {
        return name.startsWith(TOKENIZER);
    }
}
