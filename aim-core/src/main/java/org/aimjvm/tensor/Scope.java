package org.aimjvm.tensor;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Owner of the tensors made while it is the innermost open scope of its thread. Closing it gives their memory back to the
 * outermost scope, which hands it out again; when that one closes, the memory goes back to the backend. So a loop that
 * opens a scope per iteration inside one outer scope runs in constant memory.
 *
 * <p>Opened only by the outer loops (training, generation, code extraction) and inside an operation for what it alone needs;
 * models never free anything. Not shared
 * between threads.
 */
public final class Scope implements AutoCloseable {
    private record Size(Backend backend, DType dtype, int size) {}

    private record Owned(Backend backend, Storage storage) {}

    private static final ThreadLocal<Scope> CURRENT = new ThreadLocal<>();
    /** With assertions on, freed memory is overwritten so that a kernel that leaves elements unwritten shows. */
    private static final boolean POISON = Scope.class.desiredAssertionStatus();

    private final Scope parent;
    private final Scope root;
    private final boolean training;
    private final List<Owned> owned = new ArrayList<>();
    private final Map<Size, ArrayDeque<Storage>> free;
    private long orders;
    private boolean closed;

    private Scope(boolean training) {
        this.parent = CURRENT.get();
        this.root = parent == null ? this : parent.root;
        this.training = training;
        this.free = parent == null ? new HashMap<>() : null;
        CURRENT.set(this);
    }

    /** Opens a scope in which operations are recorded for {@link Tensor#backward}. */
    public static Scope training() {
        return new Scope(true);
    }

    /** Opens a scope in which nothing is recorded. */
    public static Scope inference() {
        return new Scope(false);
    }

    /** Whether the innermost open scope records operations. */
    public static boolean isRecording() {
        Scope s = CURRENT.get();
        return s != null && s.training;
    }

    /** Hands {@code t} to the enclosing scope (or to the garbage collector), so that it outlives this one. Returns it. */
    public Tensor keep(Tensor t) {
        if (!keepIfMadeHere(t)) {
            throw new IllegalArgumentException(
                    "keep: tensor of shape " + t.shape() + " (expected one made in this scope)");
        }
        return t;
    }

    /** As {@link #keep}; does nothing to the memory of another scope. Returns whether it was this one's. */
    boolean keepIfMadeHere(Tensor t) {
        for (int i = owned.size() - 1; i >= 0; i--) {
            if (owned.get(i).storage == t.storage()) {
                Owned o = owned.remove(i);
                if (parent != null) {
                    parent.owned.add(o);
                }
                return true;
            }
        }
        return false;
    }

    static long nextOrder() {
        return CURRENT.get().root.orders++;
    }

    static Storage allocate(Backend backend, DType dtype, int size) {
        Scope s = CURRENT.get();
        if (s == null) {
            return backend.allocate(dtype, size);
        }
        ArrayDeque<Storage> reusable = s.root.free.get(new Size(backend, dtype, size));
        Storage storage = reusable == null || reusable.isEmpty() ? backend.allocate(dtype, size) : reusable.pop();
        s.owned.add(new Owned(backend, storage));
        return storage;
    }

    /**
     * Gives back everything made inside.
     *
     * @throws IllegalStateException if an inner scope is still open
     */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        if (CURRENT.get() != this) {
            throw new IllegalStateException("scope: closed while an inner scope is open or from another thread");
        }
        closed = true;
        for (Owned o : owned) {
            o.storage.release();
            Storage reusable = o.backend.reuse(o.storage);
            if (POISON && reusable.dtype() == DType.F32) {
                o.backend.fill(reusable, 0, reusable.size(), Float.NaN);
            }
            root.free.computeIfAbsent(new Size(o.backend, reusable.dtype(), reusable.size()), k -> new ArrayDeque<>())
                    .push(reusable);
        }
        owned.clear();
        if (parent == null) {
            free.forEach((size, storages) -> storages.forEach(size.backend::free));
            CURRENT.remove();
        } else {
            CURRENT.set(parent);
        }
    }
}
