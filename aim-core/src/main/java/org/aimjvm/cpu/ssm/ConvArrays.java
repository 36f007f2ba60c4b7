package org.aimjvm.cpu.ssm;

import static org.aimjvm.cpu.memory.HeapStorage.floats;
import static org.aimjvm.cpu.memory.HeapStorage.floatsOrNull;

import org.aimjvm.backend.CausalConv1d;
import org.aimjvm.backend.CausalConvShape;

/**
 * {@link CausalConv1d.Inputs} as arrays, which are unwrapped once for a call.
 *
 * @param x (batch, L, channels)
 * @param w (channels, width)
 * @param bias (channels), or {@code null}
 */
record ConvArrays(float[] x, float[] w, float[] bias, boolean silu, CausalConvShape s) {

    static ConvArrays of(CausalConv1d.Inputs in, CausalConvShape s) {
        return new ConvArrays(floats(in.x()), floats(in.w()), floatsOrNull(in.bias()), in.silu(), s);
    }
}
