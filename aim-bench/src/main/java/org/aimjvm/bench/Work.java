package org.aimjvm.bench;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** Arithmetic of a kernel and the weights it must read, per second next to the time of a call. */
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.OPERATIONS)
public class Work {
    /** 1e9 floating-point operations, a multiply-add counting as two. */
    public double gigaflop;
    /** 1e9 bytes of weights. */
    public double weightGigabytes;

    /** Adds one product of (m, k) and (k, n), whose second operand are weights. */
    void product(long m, long n, long k) {
        gigaflop += 2e-9 * m * n * k;
        weightGigabytes += 4e-9 * n * k;
    }

    /** Adds operations that read no weights. */
    void flops(double count) {
        gigaflop += 1e-9 * count;
    }
}
