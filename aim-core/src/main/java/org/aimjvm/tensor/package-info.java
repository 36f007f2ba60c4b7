/**
 * Tensors, automatic differentiation and memory scopes.
 *
 * <p>For all who compute: operations, layers, models and training loops. Start at {@link org.aimjvm.tensor.Tensor},
 * then {@link org.aimjvm.tensor.Scope}.
 *
 * <p>Letters in shapes, here and everywhere: {@code batch} sequences or pictures, {@code L} length, {@code H} heads,
 * {@code P} head dimension, {@code N} state dimension, {@code G} groups, {@code Q} chunk, {@code V} vocabulary, {@code
 * K} convolution width or depth of a matrix product.
 */
package org.aimjvm.tensor;
