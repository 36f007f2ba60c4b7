/**
 * Checks of a backend that users can run where they are: operation cases, gradients against finite differences, and the
 * golden data of the original model. The test suite runs the same code.
 *
 * <p>For users on new hardware, and for those who add an operation or a backend.
 *
 * <p>Start at {@link org.aimjvm.verify.OpCases} and {@link org.aimjvm.verify.GoldenVerifier}.
 */
package org.aimjvm.verify;
