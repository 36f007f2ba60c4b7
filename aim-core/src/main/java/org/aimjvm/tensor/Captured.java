package org.aimjvm.tensor;

import java.util.function.Supplier;
import org.aimjvm.backend.Backend;

/**
 * Work on a device that is done again and again with other contents of the same memory, such as a decoding step. Where
 * the backend {@linkplain Backend#capture captures} it, the work itself, with its shapes, tensors and scopes, runs only
 * the first time; later its kernels are replayed, which allocates nothing. Where it does not, the work runs each time.
 * It must not depend on anything but the contents of tensors made outside, and must change nothing but those.
 *
 * @param <T> what the work returns: tensors that it made
 */
public final class Captured<T> implements AutoCloseable {
    private final Backend backend;
    private final Supplier<T> work;
    private final Scope memory = Scope.detached();
    private T result;
    private Runnable replay;

    public Captured(Backend backend, Supplier<T> work) {
        this.backend = backend;
        this.work = work;
    }

    /**
     * Does the work, within no scope of the caller.
     *
     * @return the result, valid until the next run or until this is closed
     * @throws IllegalStateException from inside another capture, or if this is closed
     */
    public T run() {
        if (replay != null) {
            replay.run();
            return result;
        }
        memory.reopen();
        try {
            memory.recycle();
            replay = backend.capture(() -> result = work.get()).orElse(null);
        } finally {
            memory.leave();
        }
        return result;
    }

    /** Gives the memory of the work and its result back. */
    @Override
    public void close() {
        replay = null;
        memory.discard();
    }
}
