/**
 * State-space mixers: Mamba-2 and Mamba-1, each defined once for training, prefill and decoding.
 *
 * <p>For those who write or change mixers.
 *
 * <p>Start at {@link org.aimjvm.ssm.Mamba2}.
 */
package org.aimjvm.ssm;
