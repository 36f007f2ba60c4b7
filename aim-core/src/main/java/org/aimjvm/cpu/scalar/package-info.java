/**
 * Plain loops, one class per kernel family: they define the right answer.
 *
 * <p>Internal: read here what a kernel computes; every other backend is tested against it.
 *
 * <p>Start at {@link org.aimjvm.cpu.scalar.ScalarGemmKernels}.
 */
package org.aimjvm.cpu.scalar;
