/**
 * The commands of {@code aim}, one class each; the conventions stand in {@link org.aimjvm.cli}.
 *
 * <p>For those who add or change one.
 *
 * <p>Start at {@link org.aimjvm.cli.command.CliCommands}, which lists them.
 */
package org.aimjvm.cli.command;
