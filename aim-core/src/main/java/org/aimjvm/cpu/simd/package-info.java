/**
 * The vector shape of this JVM, and the functions and sums that kernels share, with twins in plain loops of the same
 * bits.
 *
 * <p>Internal: for the kernels of the vector backend.
 *
 * <p>Start at {@link org.aimjvm.cpu.simd.Simd}.
 */
package org.aimjvm.cpu.simd;
