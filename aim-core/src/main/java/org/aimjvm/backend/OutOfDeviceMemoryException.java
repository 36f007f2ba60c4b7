package org.aimjvm.backend;

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

    private OutOfDeviceMemoryException(OutOfDeviceMemoryException cause, String hint) {
        super(cause.getMessage() + "; " + hint, cause);
        this.asked = cause.asked;
        this.inUse = cause.inUse;
        this.free = cause.free;
    }

    /**
     * The same with what would fit. The failed batch needed at least what was in use by then and what it asked for;
     * what it had to share is known, so this is the most that can fit.
     *
     * @param batch how many were computed together
     * @param before bytes in use before the batch began
     */
    public OutOfDeviceMemoryException forBatch(int batch, long before) {
        if (inUse < before) {
            return this; // the collector has changed what there was before
        }
        double needed = Math.max(1.0, (double) inUse - before + asked);
        double available = (double) inUse - before + free;
        long fits = Math.min(batch - 1, (long) (batch * available / needed));
        return new OutOfDeviceMemoryException(
                this, fits < 1 ? "not even a batch of one fits"
                        : "of a batch of " + batch + " at most " + fits + " would fit");
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
