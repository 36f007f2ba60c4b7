package org.aimjvm.command;

/** Exit codes of all commands. */
public final class ExitCode {
    /** Done. */
    public static final int OK = 0;
    /** The command could not do what it was asked. */
    public static final int FAILED = 1;
    /** The command line itself is wrong. */
    public static final int USAGE = 2;

    /** The reader of the result has left: 128 and the number of the signal PIPE, as a shell tells it of other tools. */
    public static final int READER_LEFT = 141;

    private ExitCode() {}
}
