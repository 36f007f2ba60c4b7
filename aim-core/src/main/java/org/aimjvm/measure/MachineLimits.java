package org.aimjvm.measure;

/**
 * What the machine can do at most, all threads together.
 *
 * @param threads threads that ran
 * @param loops what ran, e.g. {@code Vector API, 256-bit}
 * @param read bytes a second, reading memory in order
 * @param update bytes a second, reading and writing the same memory in order, counting both ways
 * @param multiplyAdd floating-point operations a second, fused multiply-adds in registers, each counting as two
 */
public record MachineLimits(int threads, String loops, Spread read, Spread update, Spread multiplyAdd) {}
