package org.aimjvm.checkpoint;

import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.aimjvm.io.CheckpointException;
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

    /**
     * Keys under which training programs keep weights, averaged ones first; any other key serves if it is the only one.
     */
    private static final List<String> WRAPPERS =
            List.of("ema", "model_ema", "model", "state_dict", "model_state_dict", "module", "net", "network");
    /** Those of them with averaged weights. */
    private static final List<String> AVERAGED = List.of("ema", "model_ema");

    /** What wrappers of a module put into the names of its tensors: data parallelism, compilation. */
    private static final Set<String> WRAPPER_MODULES = Set.of("module", "_orig_mod", "_fsdp_wrapped_module");

    private static final int MAX_DEPTH = 8;
    /** Unusual keys that are looked under: a file of many costs no more time. */
    private static final int MAX_KEYS = 32;
    private static final int NAMES_SHOWN = 6;

    private static final List<String> MODEL_PARTS = List.of("backbone.", "lm_head.");
    private static final List<String> TOKENIZER_PARTS =
            List.of("encoder.", "decoder.", "quantize.", "quant_conv.", "post_quant_conv.");
    /** State of a training program that may lie beside the weights; its tensors are not the model's. */
    private static final String OPTIMIZER = "optimizer";

    private CanonicalNames() {}

    /**
     * A view of {@code source}; names that belong to neither part stay as they are.
     *
     * @throws CheckpointException if models lie under several keys and none is a usual one
     */
    static TensorSource of(TensorSource source) {
        TensorSource found = find(plain(source), "", 0);
        return found == null ? source : found;
    }

    /** As {@link #of(TensorSource)} for one of the copies of its weights that a training program keeps. */
    static TensorSource of(TensorSource source, WeightsCopy copy) {
        return switch (copy) {
            case ANY -> of(source);
            case EMA -> {
                TensorSource averages = plain(source).select(CanonicalNames::isAveraged);
                if (averages.names().isEmpty()) {
                    throw new CheckpointException(source.path(), null, "no averaged weights (expected some under "
                            + String.join(" or ", AVERAGED) + "; or take those that were trained)");
                }
                yield of(averages);
            }
            case MODEL -> of(plain(source).select(n -> !isAveraged(n)));
        };
    }

    /** With a tied head the word embedding may be stored under its own name, the head's, or both. */
    static TensorSource withoutTiedHead(TensorSource tensors) {
        return tensors.contains(AimModel.WORD_EMBEDDING)
                ? tensors.select(n -> !n.equals(AimModel.OWN_HEAD))
                : tensors.renamed(n -> n.equals(AimModel.OWN_HEAD) ? AimModel.WORD_EMBEDDING : n);
    }

    private static boolean isAveraged(String name) {
        return AVERAGED.stream().anyMatch(key -> name.startsWith(key + "."));
    }

    /** The tensors of {@code source} without what wrappers of modules put into their names. */
    static TensorSource plain(TensorSource source) {
        return source.names().stream().anyMatch(n -> !unwrapped(n).equals(n))
                ? source.renamed(CanonicalNames::unwrapped)
                : source;
    }

    /** {@code name} without the parts that wrappers of modules put into it. */
    private static String unwrapped(String name) {
        String rest = Arrays.stream(name.split("\\.", -1))
                .filter(part -> !WRAPPER_MODULES.contains(part))
                .collect(Collectors.joining("."));
        return rest.isEmpty() ? name : rest;
    }

    /** The tensors of the state dict in {@code source} that holds a model, {@code null} if there is none. */
    private static TensorSource find(TensorSource source, String under, int depth) {
        if (source.names().stream().anyMatch(CanonicalNames::isKnown)) {
            return source.select(n -> !n.startsWith(OPTIMIZER)).renamed(CanonicalNames::canonical);
        }
        if (depth == MAX_DEPTH) {
            return null;
        }
        Set<String> keys = new LinkedHashSet<>(WRAPPERS);
        source.names().stream()
                .map(n -> n.substring(0, Math.max(0, n.indexOf('.'))))
                .distinct()
                .limit(MAX_KEYS)
                .forEach(keys::add);
        TensorSource other = null;
        String otherKey = null;
        for (String key : keys) {
            if (key.isEmpty() || key.startsWith(OPTIMIZER)
                    || source.names().stream().noneMatch(n -> n.startsWith(key + "."))) {
                continue;
            }
            TensorSource inside = find(source.sub(key + "."), under + key + ".", depth + 1);
            if (inside != null && WRAPPERS.contains(key)) {
                return inside;
            }
            if (inside != null && other != null) {
                throw new CheckpointException(
                        source.path(), null, "models under " + under + otherKey + " and " + under + key
                                + ", expected one, or one under a usual key (" + String.join(", ", WRAPPERS) + ")");
            }
            if (inside != null) {
                other = inside;
                otherKey = key;
            }
        }
        return other;
    }

    /** Some names of a source in which no model was found, for messages. */
    static String described(TensorSource source) {
        Set<String> names = source.names();
        if (names.isEmpty()) {
            return "are none at all";
        }
        return (names.size() == 1 ? "is " : "are " + names.size() + ": ")
                + String.join(", ", names.stream().limit(NAMES_SHOWN).map(CheckpointException::shorten).toList())
                + (names.size() > NAMES_SHOWN ? ", ..." : "");
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
