package org.aimjvm.nn;

/**
 * The memory that a {@link Mixer} has of a sequence between calls. Read and overwritten in place; {@code null} in its
 * place means start from zero and keep nothing.
 */
public interface MixerState {

    /** Forgets: back to the start of a sequence. */
    void reset();
}
