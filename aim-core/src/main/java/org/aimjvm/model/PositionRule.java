package org.aimjvm.model;

/**
 * Which row of the position table image token j takes. The original counts differently in training and in generation
 * (docs/numerics.md); a model must be used as it was trained.
 */
public enum PositionRule {
    /**
     * Row j + 1, the index in the sequence whose element 0 is the class; everywhere in this library, and the original's
     * generation.
     */
    SEQUENCE_INDEX(1),
    /** Row j: the original's training pass, under which the released weights were trained. */
    PUBLISHED_TRAINING(0);

    private final int offset;

    PositionRule(int offset) {
        this.offset = offset;
    }

    /** Row of image token 0. */
    int offset() {
        return offset;
    }
}
