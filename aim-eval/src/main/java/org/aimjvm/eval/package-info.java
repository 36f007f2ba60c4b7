/**
 * How good generated pictures are: statistics of features, Fréchet distance, nearest neighbours, divergence of labels.
 *
 * <p>For those who compare models; {@code aim evaluate} calls nothing else.
 *
 * <p>Start at {@link org.aimjvm.eval.Evaluation}.
 */
package org.aimjvm.eval;
