package org.aimjvm.model;

import org.aimjvm.tensor.Tensor;

/**
 * The modulation of one block by the condition, each (batch, dModel): {@code branch = gate * f(norm(x) * (1 + scale) +
 * shift)}.
 *
 * @param shift of the mixer's input
 * @param scale of the mixer's input
 * @param gate of the mixer's output
 * @param mlpShift of the MLP's input, {@code null} without one
 * @param mlpScale of the MLP's input
 * @param mlpGate of the MLP's output
 */
public record Modulation(
        Tensor shift, Tensor scale, Tensor gate, Tensor mlpShift, Tensor mlpScale, Tensor mlpGate) {

    /** From the parts of a block's projection, in the order of the published weights: 3, or 6 with an MLP. */
    static Modulation of(Tensor[] parts) {
        return parts.length == 3
                ? new Modulation(parts[0], parts[1], parts[2], null, null, null)
                : new Modulation(parts[0], parts[2], parts[4], parts[1], parts[3], parts[5]);
    }

    /** The parts {@link #of} which this is made. */
    Tensor[] parts() {
        return mlpGate == null
                ? new Tensor[] {shift, scale, gate}
                : new Tensor[] {shift, mlpShift, scale, mlpScale, gate, mlpGate};
    }

    /** Gate of what the block gives last. */
    Tensor lastGate() {
        return mlpGate == null ? gate : mlpGate;
    }
}
