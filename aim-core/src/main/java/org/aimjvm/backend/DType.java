package org.aimjvm.backend;

/**
 * Element type of a {@link org.aimjvm.tensor.Tensor} or of a tensor in a checkpoint.
 *
 * <p>Computation is in {@link #F32} (ids in {@link #I32}); the other types occur in files and are widened when read.
 * {@link #BF16} is also a way to keep states, see {@link StateFormat}.
 */
public enum DType {
    /** IEEE 754 binary64; in files only. */
    F64(8),
    /** IEEE 754 binary32. */
    F32(4),
    /** IEEE 754 binary16; in files only. */
    F16(2),
    /** The upper half of a binary32 (8 exponent, 7 stored mantissa bits); in files, and states between two calls. */
    BF16(2),
    /** 64-bit signed integer; in files only. */
    I64(8),
    /** 32-bit signed integer: token ids, labels, code indices. */
    I32(4),
    /** 16-bit signed integer; in files only. */
    I16(2),
    /** 16-bit unsigned integer; in files only (codes of others). */
    U16(2),
    /** 8-bit signed integer; in files only. */
    I8(1),
    /** 8-bit unsigned integer; in files only (pictures). */
    U8(1),
    /** One byte, 0 or 1; in files only. */
    BOOL(1);

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes of one element. */
    public int bytes() {
        return bytes;
    }
}
