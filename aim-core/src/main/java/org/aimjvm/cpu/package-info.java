/**
 * The CPU backends: {@code Scalar*Kernels}, plain loops that define the right answer, and {@code Vector*Kernels}, the
 * same by the Vector API on several threads; one file per kernel family, in the packages below.
 *
 * <p>Internal: found by {@link org.aimjvm.backend.BackendProvider}.
 *
 * <p>Start at {@link org.aimjvm.cpu.VectorBackend}.
 */
package org.aimjvm.cpu;
