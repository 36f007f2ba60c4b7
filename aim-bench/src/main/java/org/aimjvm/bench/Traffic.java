package org.aimjvm.bench;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** Bytes a kernel must read and write at least, each once; reported per second next to the time of a call. */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.OPERATIONS)
public class Traffic {
    /** Sum over the calls of an iteration, 1e9 bytes. */
    public double gigabytes;

    /** Adds one call that touches {@code elements} F32 elements. */
    void floats(long elements) {
        gigabytes += 4e-9 * elements;
    }
}
