/**
 * A model's files: folders, names of tensors in all their dialects, configurations as JSON, models in jars.
 *
 * <p>For those who read or write models without the facade {@link org.aimjvm.AiM}.
 *
 * <p>Start at {@link org.aimjvm.checkpoint.ModelFolder}.
 */
package org.aimjvm.checkpoint;
