/**
 * Checks of a backend that users can run where they are: operation cases, gradients against finite differences, and the
 * golden data of the original model. The test suite runs the same code.
 */
package org.aimjvm.verify;
