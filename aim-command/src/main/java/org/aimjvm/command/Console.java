package org.aimjvm.command;

import java.io.PrintStream;
import java.util.Locale;

/**
 * The console of a command: where it prints.
 *
 * @param out         the result, nothing else
 * @param err         errors, and progress if {@code interactive}
 * @param interactive whether {@code err} is a terminal with a reader
 */
public record Console(PrintStream out, PrintStream err, boolean interactive) {
    /**
     * System property that the script {@code ./aim} sets to {@code true} or {@code false}: whether standard error is a
     * terminal. Java itself can only tell for input and output together.
     */
    static final String TERMINAL_PROPERTY = "aim.terminal";

    /** The streams of this process. */
    public static Console ofProcess() {
        String told = System.getProperty(TERMINAL_PROPERTY);
        boolean terminal = told != null
                ? Boolean.parseBoolean(told)
                : System.console() != null && System.console().isTerminal();
        return new Console(ResultStream.ofProcess(), System.err, terminal);
    }

    /** Prints a remark for a reader at a terminal; nothing when standard error is not a terminal. */
    public void remark(String format, Object... args) {
        if (interactive) {
            err.println(String.format(Locale.ROOT, format, args));
        }
    }

    /** A progress bar for {@code total} steps (-1 if unknown), shown only when standard error is a terminal. */
    public Progress progress(String task, long total, String unit) {
        return progress(task, 0, total, unit);
    }

    /** As {@link #progress(String, long, String)} where {@code from} steps were done in an earlier run. */
    public Progress progress(String task, long from, long total, String unit) {
        return new Progress(this, task, from, total, unit, 1);
    }

    /** A progress bar for {@code total} bytes (-1 if unknown), shown in MB. */
    public Progress progressOfBytes(String task, long total) {
        return new Progress(this, task, 0, total, "MB", 1_000_000);
    }
}
