package org.aimjvm.measure;

/**
 * The limits of the machine, what all threads together can do at most.
 *
 * @param threads threads that ran
 * @param loops what ran, e.g. {@code Vector API, 256-bit}
 * @param read bytes per second, reading memory in order
 * @param update bytes per second, reading and writing the same memory in order, counting both ways
 * @param multiplyAdd floating-point operations per second, fused multiply-adds in registers, each counting as two
 */
public record MachineLimits(int threads, String loops, Spread read, Spread update, Spread multiplyAdd) {}
