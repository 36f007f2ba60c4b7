package org.aimjvm.data;

/** How often an epoch draws the examples of a class. */
public enum Sampling {
    /** As often as there are examples of it: every example once, in a random order. */
    SHUFFLED,
    /** Each class equally often, however many examples it has, see {@link EpochSampler#balanced}. */
    BALANCED
}
