/**
 * Scans and causal convolutions by vectors: chunks for long sequences, one pass over the states for one step.
 *
 * <p>Internal: for the vector backend.
 *
 * <p>Start at {@link org.aimjvm.cpu.ssm.VectorSsmKernels}.
 */
package org.aimjvm.cpu.ssm;
