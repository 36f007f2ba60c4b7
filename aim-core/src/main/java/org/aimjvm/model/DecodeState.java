package org.aimjvm.model;

import java.util.List;
import org.aimjvm.nn.MixerState;

/**
 * The state of decoding a batch of sequences: how many elements have been processed, and what each block remembers of
 * them.
 */
public final class DecodeState {
    private final List<MixerState> layers;
    private final int batch;
    private int position;

    DecodeState(List<MixerState> layers, int batch) {
        this.layers = layers;
        this.batch = batch;
    }

    /** Number of sequences. */
    public int batch() {
        return batch;
    }

    /** Elements processed so far, the class element included. */
    public int position() {
        return position;
    }

    /** Number of blocks. */
    public int layers() {
        return layers.size();
    }

    /** What block {@code i} remembers. */
    public MixerState layer(int i) {
        return layers.get(i);
    }

    void advance(int length) {
        position += length;
    }

    /** Back to the start, for the next pictures. */
    public void reset() {
        layers.forEach(MixerState::reset);
        position = 0;
    }
}
