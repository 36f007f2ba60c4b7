package org.aimjvm.vq;

import org.aimjvm.nn.Params;

/**
 * The role of a tensor of {@link VqModel}, what it is for, in {@link Params#role}.
 *
 * @param part where it is
 * @param halvings how often the sides of the picture are halved in what its layer writes
 * @param endsAttention whether its layer is the last of a self-attention over all positions
 */
public record VqRole(Part part, int halvings, boolean endsAttention) implements Params.Role {

    /** Parts of a tokenizer, in the order of computation. */
    public enum Part {
        /** Pixels to latents. */
        ENCODER,
        /** Latents to the space of the codes. */
        TO_CODES,
        /** The table of codes. */
        CODEBOOK,
        /** Codes to latents. */
        FROM_CODES,
        /** Latents to pixels. */
        DECODER;

        /** Whether encoding needs it; of the others, decoding does. The codebook serves both. */
        public boolean encodes() {
            return this == ENCODER || this == TO_CODES || this == CODEBOOK;
        }
    }

    static VqRole encoder(int halvings) {
        return new VqRole(Part.ENCODER, halvings, false);
    }

    static VqRole decoder(int halvings) {
        return new VqRole(Part.DECODER, halvings, false);
    }

    /** {@code role} for the last layer of an attention; one of another kind, or {@code null}, stays. */
    static Params.Role endOfAttention(Params.Role role) {
        return role instanceof VqRole r ? new VqRole(r.part, r.halvings, true) : role;
    }
}
