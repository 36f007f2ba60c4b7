/**
 * Groups of options that several commands of training share.
 *
 * <p>For those who write such a command.
 *
 * <p>Start at {@link org.aimjvm.cli.option.AimArchitecture}.
 */
package org.aimjvm.cli.option;
