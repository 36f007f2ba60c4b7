package org.aimjvm.ssm;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.nn.MixerState;
import org.aimjvm.tensor.Tensor;

/**
 * State of a Mamba layer: constant in size, whatever the position.
 *
 * @param conv last {@code width} inputs of the causal convolution, oldest first, (batch, channels, width)
 * @param ssm state of the recurrence: (batch, H, P, N) in Mamba-2, F32 or BF16; (batch, channels, N) in Mamba-1
 */
public record SsmState(Tensor conv, Tensor ssm) implements MixerState {

    /** Zeros of the given shapes; {@code ssm} in {@code format}. */
    static SsmState zeros(Backend backend, Shape conv, Shape ssm, StateFormat format) {
        return new SsmState(Tensor.persistent(backend, conv), Tensor.persistent(backend, format.dtype(), ssm));
    }

    @Override
    public void reset() {
        conv.backend().fill(conv.storage(), 0, conv.size(), 0f);
        ssm.backend().fill(ssm.storage(), 0, ssm.size(), 0f);
    }
}
