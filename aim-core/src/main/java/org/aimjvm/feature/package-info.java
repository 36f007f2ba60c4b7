/**
 * Nets that judge pictures: a classifier and how often it is right.
 *
 * <p>For evaluation and for those who want features of pictures.
 *
 * <p>Start at {@link org.aimjvm.feature.Classifier}.
 */
package org.aimjvm.feature;
