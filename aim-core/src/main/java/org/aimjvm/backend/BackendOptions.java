package org.aimjvm.backend;

/**
 * Options of opening a backend.
 *
 * @param threads threads on the CPU, at least 1
 * @param ordinal which device of several, from 0
 * @param matmul how products are computed
 */
public record BackendOptions(int threads, int ordinal, MatmulPrecision matmul) {

    /** @throws IllegalArgumentException if a number is out of range */
    public BackendOptions {
        if (threads < 1) {
            throw new IllegalArgumentException("threads: " + threads + " (expected at least 1)");
        }
        if (ordinal < 0) {
            throw new IllegalArgumentException("device: " + ordinal + " (expected at least 0)");
        }
    }

    /** The first device, products in F32. */
    public static BackendOptions threads(int threads) {
        return new BackendOptions(threads, 0, MatmulPrecision.F32);
    }

    /** {@link Backends#defaultThreads} threads, the first device, products in F32. */
    public static BackendOptions defaults() {
        return threads(Backends.defaultThreads());
    }

    /** The same on another device. */
    public BackendOptions withOrdinal(int newOrdinal) {
        return new BackendOptions(threads, newOrdinal, matmul);
    }

    /** The same with other products. */
    public BackendOptions withMatmul(MatmulPrecision newMatmul) {
        return new BackendOptions(threads, ordinal, newMatmul);
    }

    /**
     * Fails if more is asked than a CPU backend has: one device, products in F32.
     *
     * @param backend its name
     * @throws BackendException naming the option
     */
    public void checkForCpu(String backend) {
        if (ordinal != 0) {
            throw new BackendException(
                    "backend " + backend + ": device " + ordinal + ", expected 0 (there is one CPU)");
        }
        if (matmul != MatmulPrecision.F32) {
            throw new BackendException("backend " + backend + ": products in " + matmul
                    + ", expected f32 (the others are for GPUs; on the CPU choose a format of the weights)");
        }
    }
}
