/**
 * Tensors, automatic differentiation, memory scopes, and the seam to the hardware: {@link org.aimjvm.backend.Backend} with
 * one interface per kernel family.
 *
 * <p>Letters in shapes, here and everywhere: {@code batch} sequences or pictures, {@code L} length, {@code H} heads, {@code
 * P} head dimension, {@code N} state dimension, {@code G} groups, {@code Q} chunk, {@code V} vocabulary, {@code K}
 * convolution width or depth of a matrix product.
 */
package org.aimjvm.tensor;
