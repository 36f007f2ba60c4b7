package org.aimjvm.nn;

import org.aimjvm.backend.StateFormat;
import org.aimjvm.op.norm.NormedSum;
import org.aimjvm.tensor.Tensor;

/** A layer that moves information along the sequence: Mamba-2, Mamba-1 or attention. */
public interface Mixer {

    /**
     * Processes the next elements of each sequence; the one definition for training, prefill and decoding.
     *
     * @param u (batch, L, dModel)
     * @param state what earlier calls left, from {@link #newState}; {@code null} to start from zero and keep nothing
     * @return (batch, L, dModel)
     * @throws IllegalStateException if a state is given while gradients are tracked: they would stop at it
     */
    Tensor forward(NormedSum u, MixerState state);

    /** {@link #forward(NormedSum, MixerState)} of an input that is there already. */
    default Tensor forward(Tensor u, MixerState state) {
        return forward(NormedSum.of(u), state);
    }

    /**
     * A state at the start of {@code batch} sequences, of at most {@code maxLength} elements where that matters.
     *
     * @param format how Mamba-2 holds the state of its recurrence; attention has none, and holds keys and values in F32
     * @throws IllegalArgumentException if this mixer has a recurrence and cannot hold its state so
     */
    MixerState newState(int batch, int maxLength, StateFormat format);
}
