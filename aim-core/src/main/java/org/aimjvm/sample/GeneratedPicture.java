package org.aimjvm.sample;

/**
 * A picture made from a label. The arrays are not copied.
 *
 * @param label its class
 * @param seed its seed: the same label, seed, options and backend give the same picture
 * @param codes its codes in raster order
 * @param channels 3 or 1
 * @param height rows of pixels
 * @param width columns of pixels
 * @param pixels (channels, height, width), about [-1, 1], not clamped
 */
public record GeneratedPicture(int label, long seed, int[] codes, int channels, int height, int width,
        float[] pixels) {}
