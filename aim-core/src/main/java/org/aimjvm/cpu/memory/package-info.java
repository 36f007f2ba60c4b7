/**
 * Arrays as storage, the threads that share a kernel's rows, and whether the JVM is warm.
 *
 * <p>Internal: for the kernels of the CPU backends.
 *
 * <p>Start at {@link org.aimjvm.cpu.memory.HeapStorage}.
 */
package org.aimjvm.cpu.memory;
