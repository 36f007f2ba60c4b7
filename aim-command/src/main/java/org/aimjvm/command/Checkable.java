package org.aimjvm.command;

import picocli.CommandLine.ParameterException;

/** A command whose options can be checked once they are parsed, without its data, models and outputs. */
public interface Checkable {
    /**
     * Complains about every value that is wrong whatever the files hold; the command itself begins with this.
     *
     * @throws ParameterException naming the option
     */
    void check();
}
