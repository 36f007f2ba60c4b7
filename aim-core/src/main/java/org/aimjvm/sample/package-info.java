/** Generation: guidance, sampling, and the loop from labels to pictures. */
package org.aimjvm.sample;
