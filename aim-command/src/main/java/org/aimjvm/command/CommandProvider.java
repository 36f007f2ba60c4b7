package org.aimjvm.command;

import java.util.Map;

/**
 * The commands that a module adds to the command line {@code aim}: found by {@link java.util.ServiceLoader}, so that
 * the command line need not know the module.
 *
 * <p>A command is a class that picocli reads ({@code @Command}, {@code Callable<Integer>} with an {@link ExitCode}). If
 * its constructor takes a {@link Console} it gets the one of the run, see {@link CommandFactory}.
 */
public interface CommandProvider {
    /** Commands by name, in the order of the help. Classes only: no command is made before it is called. */
    Map<String, Class<?>> commands();
}
