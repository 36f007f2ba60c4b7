package org.aimjvm.train;

import java.util.Objects;

/**
 * What a run began from in place of random weights. Kept with its checkpoints, so that it is continued as it was begun.
 *
 * @param name how people call it: an embedded model's name, or the last name of a path
 * @param sha256 of its weights, see {@link org.aimjvm.checkpoint.ModelFolder#sha256}
 * @param taken what was taken of it, in words that only serve to tell choices apart; empty: all there is
 */
public record Origin(String name, String sha256, String taken) {
    public Origin {
        Objects.requireNonNull(taken, "taken");
        if (name.isBlank()) {
            throw new IllegalArgumentException("origin: no name (expected that of a model)");
        }
        if (!sha256.matches("[0-9a-f]{64}")) {
            throw new IllegalArgumentException("origin: sha256 " + sha256 + " (expected 64 hexadecimal digits)");
        }
    }
}
