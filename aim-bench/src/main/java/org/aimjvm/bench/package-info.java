/**
 * JMH benchmarks: operations from the cases that the tests run, kernels apart where an operation hides them, whole
 * models.
 *
 * <p>For those who make something faster.
 *
 * <p>Start at {@link org.aimjvm.bench.OpBenchmark}.
 */
package org.aimjvm.bench;
