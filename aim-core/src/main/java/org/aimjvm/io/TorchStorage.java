package org.aimjvm.io;

import org.aimjvm.backend.DType;

/**
 * A named run of elements that tensors are views of.
 *
 * @param key name in the file
 * @param dtype element type
 * @param size elements under that name in the file
 * @param start first element used; more than 0 only in legacy files
 * @param count elements used
 */
record TorchStorage(String key, DType dtype, long size, long start, long count) {
    /** Bytes in the file. */
    long bytes() {
        return size * dtype.bytes();
    }
}
