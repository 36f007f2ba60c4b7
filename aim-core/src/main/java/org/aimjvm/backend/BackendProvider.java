package org.aimjvm.backend;

/**
 * Announces a {@link Backend} to {@link Backends} through {@link java.util.ServiceLoader}. Making one must not load
 * classes that may be missing: absence is a value with a reason, never a linkage error.
 */
public interface BackendProvider {

    /** Name users give: {@code scalar}, {@code vector}, {@code cuda}. */
    String name();

    /** Higher is preferred by {@link Backends#best()}. */
    int priority();

    /** Whether {@link #open} will work here, and if not why, and what would help. */
    Availability availability();

    /** Whether it computes on the CPU. */
    default boolean isCpu() {
        return true;
    }

    /**
     * A new backend.
     *
     * @throws BackendException if not available, or an option is not for it
     */
    Backend open(BackendOptions options);

    /** A new backend that uses up to {@code threads} threads. */
    default Backend open(int threads) {
        return open(BackendOptions.threads(threads));
    }

    /**
     * Whether a backend can be used.
     *
     * @param reason why not and what to do about it; if available, what there is
     */
    record Availability(boolean available, String reason) {}
}
