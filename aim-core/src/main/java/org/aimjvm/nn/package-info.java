/**
 * Layers: small final classes whose constructor asks {@link org.aimjvm.nn.Params} for tensors by their name in the published
 * checkpoint, and whose {@code forward} composes operations.
 */
package org.aimjvm.nn;
