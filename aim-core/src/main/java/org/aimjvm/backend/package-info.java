/**
 * The seam to the hardware: {@link org.aimjvm.backend.Backend}, memory and one interface per kernel family.
 *
 * <p>For those who bring a device of their own; users only name one ({@link org.aimjvm.Device}).
 *
 * <p>Start at {@link org.aimjvm.backend.BackendProvider}, then read the scalar backend, which defines the right answer.
 */
package org.aimjvm.backend;
