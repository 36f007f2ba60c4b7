/**
 * Generation: guidance, sampling, and the loop from labels to pictures.
 *
 * <p>For those who draw pictures without the facade, or watch them while they are drawn.
 *
 * <p>Start at {@link org.aimjvm.sample.Generator}.
 */
package org.aimjvm.sample;
