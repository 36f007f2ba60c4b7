package org.aimjvm.backend;

/** Work at one limit of a device and nothing else: what its other work is measured against. */
public interface LimitKernels {

    /** Reads n floats. */
    void read(Storage x, int n);

    /** Reads and writes n floats. */
    void update(Storage x, int n);

    /**
     * Multiply-adds on all units that the backend's products use, operands in registers.
     *
     * @param rounds how often; time is proportional to it
     * @return operations submitted, a multiply-add counting as two
     */
    double multiplyAdd(int rounds);

    /** What {@link #multiplyAdd} runs on, for users. */
    String description();
}
