/**
 * The AiM sequence model: configuration, weights and state, nothing else.
 *
 * <p>For those who change the model or run it by themselves.
 *
 * <p>Start at {@link org.aimjvm.model.AimModel}, whose one forward pass serves training, prefill and decoding.
 */
package org.aimjvm.model;
