/**
 * Matrix products by tiles of registers, and frozen weights, packed once in their format.
 *
 * <p>Internal: for the vector backend.
 *
 * <p>Start at {@link org.aimjvm.cpu.gemm.VectorGemmKernels}.
 */
package org.aimjvm.cpu.gemm;
