package org.aimjvm.optim;

/** Training cannot go on: the loss or the gradient is no longer a finite number. */
public final class DivergenceException extends IllegalStateException {
    private static final long serialVersionUID = 1;

    public DivergenceException(String message) {
        super(message);
    }
}
