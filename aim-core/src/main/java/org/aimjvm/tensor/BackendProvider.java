package org.aimjvm.tensor;

/**
 * Announces a {@link Backend} to {@link Backends} through {@link java.util.ServiceLoader}. Making one must not load classes
 * that may be missing: absence is a value with a reason, never a linkage error.
 */
public interface BackendProvider {

    /** Name users give: {@code scalar}, {@code vector}, {@code cuda}. */
    String name();

    /** Higher is preferred by {@link Backends#best()}. */
    int priority();

    /** Whether {@link #open} will work here, and if not why, and what would help. */
    Availability availability();

    /**
     * A backend that uses up to {@code threads} threads.
     *
     * @throws BackendException if not available
     */
    Backend open(int threads);

    /**
     * Whether a backend can be used.
     *
     * @param reason why not and what to do about it; if available, what there is
     */
    record Availability(boolean available, String reason) {}
}
