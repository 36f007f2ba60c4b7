package org.aimjvm.vq;

import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.aimjvm.nn.Params;

/**
 * Parts of a tokenizer that keep their values in a training, by name.
 *
 * <pre>
 * encoder           pixels to what is compared with the codes: the encoder and quant_conv
 * codebook          the table of codes
 * decoder           codes to pixels: post_quant_conv and the decoder
 * quant_conv        the projection to the space of the codes alone
 * post_quant_conv   the projection from it alone
 * </pre>
 *
 * With {@code encoder} and {@code codebook} frozen a picture keeps its codes, so that a sequence model still fits.
 */
public final class VqFreeze implements Params.Freeze {
    private static final Map<String, Set<VqRole.Part>> PARTS = new TreeMap<>(Map.of(
            "encoder", EnumSet.of(VqRole.Part.ENCODER, VqRole.Part.TO_CODES),
            "codebook", EnumSet.of(VqRole.Part.CODEBOOK),
            "decoder", EnumSet.of(VqRole.Part.FROM_CODES, VqRole.Part.DECODER),
            "quant_conv", EnumSet.of(VqRole.Part.TO_CODES),
            "post_quant_conv", EnumSet.of(VqRole.Part.FROM_CODES)));

    private final Set<VqRole.Part> parts = EnumSet.noneOf(VqRole.Part.class);

    /**
     * @param names of parts, in any order
     * @throws IllegalArgumentException if a part is unknown, naming those there are, or if nothing is left to train
     */
    public VqFreeze(List<String> names) {
        for (String name : names) {
            Set<VqRole.Part> named = PARTS.get(name);
            if (named == null) {
                throw new IllegalArgumentException(
                        "freeze: " + name + " (expected parts of a tokenizer: " + String.join(", ", PARTS.keySet())
                                + ")");
            }
            parts.addAll(named);
        }
        if (parts.size() == VqRole.Part.values().length) {
            throw new IllegalArgumentException(
                    "freeze: " + String.join(",", names) + " is all there is (expected a part at least to train)");
        }
    }

    @Override
    public boolean holds(String name, Params.Role role) {
        return role instanceof VqRole r && parts.contains(r.part());
    }
}
