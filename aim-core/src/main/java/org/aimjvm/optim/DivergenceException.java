package org.aimjvm.optim;

import java.nio.file.Path;
import java.util.Optional;

/** Training cannot go on: the loss or the gradient is no longer a finite number, or a model has got much worse. */
public final class DivergenceException extends IllegalStateException {
    private static final long serialVersionUID = 1;

    private final int badSteps;

    public DivergenceException(String message) {
        this(message, 0);
    }

    /** @param badSteps steps before this one that were bad already */
    public DivergenceException(String message, int badSteps) {
        super(message);
        this.badSteps = badSteps;
    }

    private DivergenceException(String message, DivergenceException cause) {
        super(message, cause);
        this.badSteps = cause.badSteps;
    }

    /** Steps before the one it was noticed in that were bad already. */
    public int badSteps() {
        return badSteps;
    }

    /** The same, naming the checkpoint to go back to, if there is one. */
    public DivergenceException withCheckpoint(Optional<Path> checkpoint) {
        return checkpoint.map(path -> new DivergenceException(
                getMessage() + "; the last good checkpoint is " + path, this)).orElse(this);
    }
}
