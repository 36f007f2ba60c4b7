/**
 * The CPU backends: {@code Scalar*Kernels}, plain loops that define the right answer, and {@code Vector*Kernels}, the same
 * by the Vector API on several threads; one file per kernel family.
 */
package org.aimjvm.cpu;
