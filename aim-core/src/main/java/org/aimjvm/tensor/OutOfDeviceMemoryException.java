package org.aimjvm.tensor;

/** A device has not enough memory for what was asked. */
public final class OutOfDeviceMemoryException extends BackendException {
    private static final long serialVersionUID = 1L;

    private final long asked;
    private final long inUse;
    private final long free;

    /**
     * @param asked bytes of the allocation that failed
     * @param inUse bytes that our tensors occupy
     * @param free bytes that are left on the device
     * @param total bytes of the device
     */
    public OutOfDeviceMemoryException(long asked, long inUse, long free, long total) {
        super("device memory: asked for " + mebibytes(asked) + ", in use " + mebibytes(inUse) + ", free "
                + mebibytes(free) + " of " + mebibytes(total)
                + " (smaller batches need less; close other programs on the device)");
        this.asked = asked;
        this.inUse = inUse;
        this.free = free;
    }

    private static String mebibytes(long bytes) {
        return (bytes + (1 << 20) - 1 >> 20) + " MiB";
    }

    /** Bytes of the allocation that failed. */
    public long asked() {
        return asked;
    }

    /** Bytes that tensors occupied then. */
    public long inUse() {
        return inUse;
    }

    /** Bytes that were left on the device. */
    public long free() {
        return free;
    }
}
