/**
 * What commands of {@code aim} share: options, console, errors, exit codes.
 *
 * <p>For modules that bring a command of their own: {@code aim} finds it without knowing the module.
 *
 * <p>Start at {@link org.aimjvm.command.CommandProvider}.
 */
package org.aimjvm.command;
