/**
 * Vector kernels that go row by row: elementwise, norms, softmax, optimizer, sampling.
 *
 * <p>Internal: for the vector backend.
 *
 * <p>Start at {@link org.aimjvm.cpu.rows.VectorNormKernels}.
 */
package org.aimjvm.cpu.rows;
