/** The AiM sequence model: configuration, weights and state, nothing else. */
package org.aimjvm.model;
