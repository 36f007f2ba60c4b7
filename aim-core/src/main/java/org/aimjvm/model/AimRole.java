package org.aimjvm.model;

import org.aimjvm.nn.Params;

/** The role of a tensor of {@link AimModel}, what it is for, in {@link Params#role}. */
public enum AimRole implements Params.Role {
    /** The table of codes; tied, the head too. */
    WORDS("word embeddings"),
    /** The table of positions. */
    POSITIONS("position embeddings"),
    /** The table of classes. */
    CLASSES("class embeddings"),
    /** Projections of the class to shifts, scales and gates: computed once per picture. */
    CONDITIONING("conditioning"),
    /** Mixers of the blocks. */
    MIXERS("mixers"),
    /** MLPs of the blocks. */
    MLPS("MLPs"),
    /** Norms of the blocks and at the end. */
    NORMS("norms"),
    /** The head where it is not the word embedding. */
    HEAD("head");

    private final String text;

    AimRole(String text) {
        this.text = text;
    }

    /** Its name in reports. */
    @Override
    public String toString() {
        return text;
    }
}
