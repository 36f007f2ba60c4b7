/**
 * Layers: small final classes whose constructor asks {@link org.aimjvm.nn.Params} for tensors by their name in the
 * published checkpoint, and whose {@code forward} composes operations.
 *
 * <p>For those who write models.
 *
 * <p>Start at {@link org.aimjvm.nn.Params}, then {@link org.aimjvm.nn.Linear}.
 */
package org.aimjvm.nn;
