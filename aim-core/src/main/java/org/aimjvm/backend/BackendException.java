package org.aimjvm.backend;

/** A device or a backend cannot do what was asked; the message names the call and the cure. */
public class BackendException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public BackendException(String message) {
        super(message);
    }

    public BackendException(String message, Throwable cause) {
        super(message, cause);
    }
}
