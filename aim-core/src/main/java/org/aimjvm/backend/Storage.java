package org.aimjvm.backend;

/**
 * Memory that holds a tensor's elements, owned by one {@link Backend}: a Java array on the CPU, device memory on a GPU.
 * Kernels unwrap it; nothing else looks inside.
 */
public abstract class Storage {
    private final DType dtype;
    private final int size;
    private boolean released;

    protected Storage(DType dtype, int size) {
        this.dtype = dtype;
        this.size = size;
    }

    /** Element type. */
    public final DType dtype() {
        return dtype;
    }

    /** Number of elements. */
    public final int size() {
        return size;
    }

    /** Whether this holds weights that can only be read, see {@link Backend#weights}. */
    public boolean isFrozen() {
        return false;
    }

    /** Whether its {@link org.aimjvm.tensor.Scope} has closed, after which the memory belongs to other tensors. */
    public final boolean isReleased() {
        return released;
    }

    /** Marks this storage as given back; called by {@link org.aimjvm.tensor.Scope} once. */
    public final void release() {
        released = true;
    }

    /**
     * Fails if the scope of this storage has closed; backends call it when they unwrap.
     *
     * @throws IllegalStateException if released
     */
    protected final void checkLive() {
        if (released) {
            throw new IllegalStateException(
                    "tensor storage: used after its Scope closed (Scope.keep it, or copy it out first)");
        }
    }
}
