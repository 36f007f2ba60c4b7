/**
 * The facade: {@link org.aimjvm.AiM} loads a model and makes pictures, with {@link org.aimjvm.GenerateOptions}.
 *
 * <p>For users; what most of them need is here and nowhere else.
 *
 * <p>Start at {@link org.aimjvm.AiM}.
 */
package org.aimjvm;
