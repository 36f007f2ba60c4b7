/** AiM for the JVM: {@link org.aimjvm.AiM} loads a model and makes pictures. */
package org.aimjvm;
