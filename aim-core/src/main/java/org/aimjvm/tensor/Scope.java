package org.aimjvm.tensor;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Storage;

/**
 * Owner of the tensors made while it is the innermost open scope of its thread. Closing it gives their memory back to
 * the outermost scope, which hands it out again; when that one closes, the memory goes back to the backend. So a loop
 * that opens a scope per iteration inside one outer scope runs in constant memory.
 *
 * <p>Opened only by the outer loops (training, generation, code extraction), inside an operation for what it alone
 * needs, and of models only by the sequence model, around each of its blocks ({@link #part}). Not shared between
 * threads.
 */
public final class Scope implements AutoCloseable {
    /** Compared by hand: what a record generates on its first comparison takes 25 ms of a start. */
    private record Size(Backend backend, DType dtype, int size) {
        @Override
        public boolean equals(Object other) {
            return other instanceof Size s && s.size == size && s.dtype == dtype && Objects.equals(s.backend, backend);
        }

        @Override
        public int hashCode() {
            return 31 * (31 * size + dtype.hashCode()) + backend.hashCode();
        }
    }

    private record Owned(Backend backend, Storage storage) {}

    private static final ThreadLocal<Scope> CURRENT = new ThreadLocal<>();
    /** With assertions on, freed memory is overwritten so that a kernel that leaves elements unwritten shows. */
    private static final boolean POISON = Scope.class.desiredAssertionStatus();

    private Scope parent;
    private final Scope root;
    private final boolean training;
    private final boolean part;
    private final List<Owned> owned = new ArrayList<>();
    private final Map<Size, ArrayDeque<Storage>> free;
    private long orders;
    private boolean closed;

    private Scope(boolean training, boolean part) {
        this.parent = CURRENT.get();
        this.root = parent == null ? this : parent.root;
        this.training = training;
        this.part = part;
        this.free = parent == null ? new HashMap<>() : null;
        CURRENT.set(this);
    }

    /** A root that is not open. */
    private Scope() {
        this.root = this;
        this.training = false;
        this.part = false;
        this.free = new HashMap<>();
    }

    /**
     * A scope that is not open yet, with memory of its own, shared with no other: for work that is done again and again
     * with {@link #reopen} and {@link #leave}.
     */
    static Scope detached() {
        return new Scope();
    }

    /** Makes a {@link #detached} scope the innermost one of this thread, with all that it owns. */
    void reopen() {
        if (closed) {
            throw new IllegalStateException("scope: opened after it was closed");
        }
        parent = CURRENT.get();
        CURRENT.set(this);
    }

    /** Makes the scope around a {@link #reopen reopened} one the innermost again; what it owns stays as it is. */
    void leave() {
        restore();
    }

    /** Makes the memory of everything this scope owns available to it again. */
    void recycle() {
        for (Owned o : owned) {
            o.storage.release();
            Storage reusable = o.backend.reuse(o.storage);
            if (POISON && reusable.dtype() != DType.I32) {
                o.backend.fill(reusable, 0, reusable.size(), Float.NaN);
            }
            root.free.computeIfAbsent(new Size(o.backend, reusable.dtype(), reusable.size()), k -> new ArrayDeque<>())
                    .push(reusable);
        }
        owned.clear();
    }

    /** Gives the memory of a {@link #detached} scope, which is not open, back to the backend. */
    void discard() {
        closed = true;
        recycle();
        free.forEach((size, storages) -> storages.forEach(size.backend::free));
        free.clear();
    }

    private void restore() {
        if (CURRENT.get() != this) {
            throw new IllegalStateException("scope: closed while an inner scope is open or from another thread");
        }
        if (parent == null) {
            CURRENT.remove();
        } else {
            CURRENT.set(parent);
        }
    }

    /**
     * Opens a scope for a part of a pass, so that the memory of what the part made and did not {@link #keep} serves the
     * next part. Where gradients are tracked the parts are needed until the end, and the scope passes everything on.
     */
    public static Scope part() {
        return new Scope(tracksGradients(), true);
    }

    /** Opens a scope in which operations are put on the tape for {@link Tensor#backward}. */
    public static Scope training() {
        return new Scope(true, false);
    }

    /** Opens a scope in which no gradient is tracked. */
    public static Scope inference() {
        return new Scope(false, false);
    }

    /** Whether the innermost open scope tracks gradients: operations in it go on the tape. */
    public static boolean tracksGradients() {
        Scope s = CURRENT.get();
        return s != null && s.training;
    }

    /**
     * Hands {@code t} to the enclosing scope (or to the garbage collector), so that it outlives this one. Returns it.
     */
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

    /**
     * Takes {@code t} over from the enclosing scope, to be given back with this one: the input of the last step of a
     * chain. A tensor with another owner, or none, stays with it. Returns it.
     */
    public Tensor take(Tensor t) {
        for (int i = parent == null ? -1 : parent.owned.size() - 1; i >= 0; i--) {
            if (parent.owned.get(i).storage == t.storage()) {
                owned.add(parent.owned.remove(i));
                break;
            }
        }
        return t;
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
        restore();
        closed = true;
        if (part && training) {
            parent.owned.addAll(owned);
            return;
        }
        recycle();
        if (parent == null) {
            free.forEach((size, storages) -> storages.forEach(size.backend::free));
        }
    }
}
