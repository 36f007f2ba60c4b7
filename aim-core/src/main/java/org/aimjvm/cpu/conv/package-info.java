/**
 * Convolutions of pictures: as products of patches, and 3 x 3 ones by Winograd's algorithm.
 *
 * <p>Internal: for the vector backend.
 *
 * <p>Start at {@link org.aimjvm.cpu.conv.VectorConvKernels}.
 */
package org.aimjvm.cpu.conv;
