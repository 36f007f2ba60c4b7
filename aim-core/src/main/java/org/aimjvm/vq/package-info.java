/** The VQ tokenizer: encoder, codebook, decoder. */
package org.aimjvm.vq;
