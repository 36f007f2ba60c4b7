/**
 * The command {@code aim}: one class per subcommand, each a picocli {@code Callable<Integer>} that reads its options,
 * calls the library and prints.
 *
 * <p>Conventions of all commands. Exit code 0: done; 1: failed; 2: wrong usage. The result goes to standard output;
 * progress and remarks go to standard error and only when that is a terminal ({@link org.aimjvm.command.Console}), but
 * for training, which takes hours and elsewhere prints a line now and then; an error is one line on standard error,
 * {@code aim: what: got, expected (cure)}, with the stack trace after it only under {@code --debug} ({@link
 * org.aimjvm.command.ErrorReport}). Output files appear whole or not at all.
 */
package org.aimjvm.cli;
