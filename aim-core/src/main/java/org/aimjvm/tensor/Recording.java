package org.aimjvm.tensor;

import java.util.function.Supplier;
import org.aimjvm.backend.Backend;

/**
 * Work on a device that is done again and again with other contents of the same memory, such as a decoding step. Where the
 * backend {@linkplain Backend#record records}, the work itself, with its shapes, tensors and scopes, runs only the first
 * time; later its kernels are repeated, which allocates nothing. Where it does not, the work runs each time. It must not
 * depend on anything but the contents of tensors made outside, and must change nothing but those.
 *
 * @param <T> what the work returns: tensors that it made
 */
public final class Recording<T> implements AutoCloseable {
    private final Backend backend;
    private final Supplier<T> work;
    private final Scope memory = Scope.detached();
    private T result;
    private Runnable repeat;

    public Recording(Backend backend, Supplier<T> work) {
        this.backend = backend;
        this.work = work;
    }

    /**
     * Does the work, within no scope of the caller.
     *
     * @return the result, valid until the next run or until this is closed
     * @throws IllegalStateException from inside another recording, or if this is closed
     */
    public T run() {
        if (repeat != null) {
            repeat.run();
            return result;
        }
        memory.reopen();
        try {
            memory.recycle();
            repeat = backend.record(() -> result = work.get()).orElse(null);
        } finally {
            memory.leave();
        }
        return result;
    }

    /** Gives the memory of the work and its result back. */
    @Override
    public void close() {
        repeat = null;
        memory.discard();
    }
}
