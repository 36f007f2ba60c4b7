package org.aimjvm.verify;

import org.aimjvm.backend.Backend;

/** How the golden cases of one kind are checked. */
@FunctionalInterface
interface GoldenKind {

    /**
     * Computes what the case holds on {@code backend} and hands it to {@code checks}. Whatever is not handed over
     * counts as
     * skipped.
     */
    void check(GoldenCase c, GoldenChecks checks, Backend backend);
}
