/** State-space mixers: Mamba-2 and Mamba-1, each defined once for training, prefill and decoding. */
package org.aimjvm.ssm;
