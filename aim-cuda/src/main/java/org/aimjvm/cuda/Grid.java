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

    /** {@code n / d}, rounded up. */
    static int blocks(int n, int d) {
        return (int) (((long) n + d - 1) / d);
    }
}
