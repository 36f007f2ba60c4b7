package org.aimjvm.op.ssm;

import org.aimjvm.tensor.Tensor;

/**
 * Outputs of a state-space recurrence that is differentiable with respect to its state.
 *
 * @param y outputs of all elements
 * @param finalState state after the last one
 */
public record ScanResult(Tensor y, Tensor finalState) {}
