package org.aimjvm.cuda;

/**
 * Geometry of a launch.
 *
 * @param x blocks
 * @param y blocks, at most 65535
 * @param z blocks, at most 65535
 * @param threadsX threads of a block
 * @param threadsY threads of a block
 * @param shared bytes of dynamic shared memory of a block
 */
record Grid(int x, int y, int z, int threadsX, int threadsY, int shared) {
    /** Threads of a warp. */
    static final int WARP = 32;

    /** Blocks in y and z at most. */
    static final int MAX_YZ = 65535;

    /** Elements of a row that a thread of a row's block holds: {@code PER} of {@code kernels/norm.cu} and others. */
    static final int PER = 8;

    /** Blocks of {@code threads} threads in one dimension. */
    static Grid of(int blocks, int threads) {
        return new Grid(blocks, 1, 1, threads, 1, 0);
    }

    /** Blocks of {@code threads} threads in two dimensions. */
    static Grid of(int x, int y, int threads) {
        return new Grid(x, y, 1, threads, 1, 0);
    }

    /** Blocks of {@code threads} threads in three dimensions. */
    static Grid of(int x, int y, int z, int threads) {
        return new Grid(x, y, z, threads, 1, 0);
    }

    /** The same with two-dimensional blocks. */
    Grid threads(int newX, int newY) {
        return new Grid(x, y, z, newX, newY, shared);
    }

    /** The same with dynamic shared memory. */
    Grid shared(int bytes) {
        return new Grid(x, y, z, threadsX, threadsY, bytes);
    }

    /**
     * Threads of a block for a row: whole warps, {@link #PER} elements each where {@code most} threads are enough for
     * that.
     */
    static int rowThreads(int cols, int most) {
        return WARP * Math.clamp(blocks(cols, PER * WARP), 1, most / WARP);
    }

    /** Exponent of the least power of two that is not below n, 0 for n up to 1. */
    static int log2(int n) {
        return n <= 1 ? 0 : Integer.SIZE - Integer.numberOfLeadingZeros(n - 1);
    }

    /** {@code n / d}, rounded up. */
    static int blocks(int n, int d) {
        return (int) (((long) n + d - 1) / d);
    }
}
