/**
 * The VQ tokenizer: encoder, codebook, decoder; pictures in [-1, 1] to codes and back. It knows no language model.
 *
 * <p>For those who encode and decode pictures, or train a tokenizer.
 *
 * <p>Start at {@link org.aimjvm.vq.VqModel}.
 */
package org.aimjvm.vq;
